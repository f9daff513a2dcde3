"""A stream masks the same for every way of cutting it up."""

from __future__ import annotations

import pytest

from tacenda.masking import Masker


def masker_of(*secrets):
    masker = Masker()
    for secret in secrets:
        masker.add(secret)
    return masker


def streamed(masker, chunks):
    stream = masker.stream()
    return b"".join([*(stream.write(chunk) for chunk in chunks), stream.flush()])


def test_value_split_over_two_writes():
    """The beginning is held back until it is decided (checklist 16)."""
    stream = masker_of("example-token-1").stream()
    first = stream.write(b"a example-")
    assert b"example" not in first
    assert first + stream.write(b"token-1 b") + stream.flush() == b"a [masked] b"


@pytest.mark.parametrize("cut", range(1, 15))
def test_every_cut_of_a_self_overlapping_value(cut):
    """The cut after `abcabc` leaked the whole value elsewhere."""
    data = b"abcabcabcabd-77"
    assert streamed(masker_of("abcabcabd-77"), [data[:cut], data[cut:]]) == b"abc[masked]"


def test_no_more_is_held_back_than_the_longest_value():
    """Ordinary output goes on at once, but for a few bytes."""
    stream = masker_of("example-token-1", "another-example").stream()
    out = stream.write(b"x" * 1000)
    assert len(out) >= 1000 - len("example-token-1")


def test_without_values_nothing_is_held_back():
    """A stream that has nothing to look for is a pipe."""
    assert Masker().stream().write(b"prompt> ") == b"prompt> "


def test_flush_gives_everything():
    """At the end nothing stays behind, and a second flush gives nothing."""
    stream = masker_of("example-token-1").stream()
    assert stream.write(b"exam") + stream.flush() == b"exam"
    assert stream.flush() == b""


def test_late_registration_covers_what_follows():
    """A value registered in the middle of a stream is masked from then on, held-back bytes included."""
    masker = masker_of("example-token-1")
    stream = masker.stream()
    out = stream.write(b"late-example-2 example-tok")
    masker.add("late-example-2")
    out += stream.write(b"en-1 late-example-2") + stream.flush()
    assert out.endswith(b" [masked] [masked]")


def test_first_registration_in_the_middle():
    """Also when nothing was registered before."""
    masker = Masker()
    stream = masker.stream()
    out = stream.write(b"before ")
    masker.add("example-token-1")
    out += stream.write(b"example-") + stream.write(b"token-1") + stream.flush()
    assert out == b"before [masked]"


def test_a_longer_value_registered_late():
    """A longer value enlarges what is held back from then on."""
    masker = masker_of("short-1")
    stream = masker.stream()
    out = stream.write(b"a ")
    masker.add("a-considerably-longer-example")
    for byte in b"a-considerably-longer-example z":
        out += stream.write(bytes([byte]))
    assert out + stream.flush() == b"a [masked] z"


def test_removal_in_the_middle():
    """A value that was taken back passes from then on; nothing is lost."""
    masker = masker_of("example-token-1")
    stream = masker.stream()
    out = stream.write(b"example-token-1 ")
    masker.remove("example-token-1")
    out += stream.write(b"example-token-1") + stream.flush()
    assert out.endswith(b"example-token-1")


def test_adjoining_values_over_writes_are_one_token():
    """One run of covered bytes is one token, however it was written."""
    chunks = [b"example-token-1", b"example-token-1", b"!"]
    assert streamed(masker_of("example-token-1"), chunks) == b"[masked]!"


def test_empty_writes_change_nothing():
    """An empty chunk is no boundary."""
    assert streamed(masker_of("example-token-1"), [b"", b"example-", b"", b"token-1", b""]) == b"[masked]"


def test_two_streams_do_not_mix():
    """Each of stdout and stderr has its own state."""
    masker = masker_of("example-token-1")
    one, two = masker.stream(), masker.stream()
    first, second = one.write(b"example-"), two.write(b"token-1")
    assert first + one.flush() == b"example-"
    assert second + two.flush() == b"token-1"
