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


PAUSES = [
    # what is written, `None` for a pause; what comes out of each
    (["Password: ", None], ["Password: ", ""]),
    (["a exa", None, "ct copy"], ["a ", "exa", "ct copy"]),  # 3 bytes of a beginning are shown
    (["a exam", None, "ination"], ["a ", "[masked]", "ination"]),  # more are masked, whatever comes
    (["a exa", None, "mple-token-1 b"], ["a ", "exa", "[masked] b"]),  # a value that goes on is recognized
    (["a example-", None, "token-1 b"], ["a ", "[masked]", " b"]),  # with one token for it
    (["a exa", None, "m", None, "ple-token-1 b"], ["a ", "exa", "", "[masked]", " b"]),
    (["a exam", None, "p", None, "le", None, "!"], ["a ", "[masked]", "", "", "", "", "!"]),
    (["example-token-1exam", None, "ple-token-1!"], ["[masked]", "", "!"]),  # a run goes on: still one token
    (["example-token-1ex", None, "ample-token-1!"], ["[masked]", "ex", "[masked]!"]),
    (["abab", None, "ab", None, "abab", None, "!"], ["", "[masked]", "", "", "", "", "!"]),
    (["exa", None, None, None], ["", "exa", "", ""]),  # what is out is out
]


@pytest.mark.parametrize(("writes", "expected"), PAUSES)
def test_pauses(writes, expected):
    """A prompt does not wait for ever for what it might be the beginning of; a secret in two parts stays one."""
    masker = masker_of("example-token-1", "ababab")
    stream = masker.stream()
    out = []
    for chunk in writes:
        out.append((stream.pause() if chunk is None else stream.write(chunk.encode())).decode())
        assert chunk is not None or not stream.pending
    assert out == expected
    assert stream.flush() == b""


def test_a_short_value_is_not_shown_by_a_pause():
    """With a minimum length of one's own, three bytes may be a whole value."""
    masker = Masker(min_length=1)
    masker._patterns.add(b"a7")
    masker._patterns.add(b"a7b7")
    stream = masker.stream()
    assert stream.write(b"x a7") == b"x "
    assert stream.pending
    assert stream.pause() == b"[masked]"
    assert stream.write(b"b7 y") == b" y"


def test_a_value_registered_after_its_beginning_was_shown():
    """What is out cannot be taken back; nothing of it is written twice."""
    masker = masker_of("example-token-1")
    stream = masker.stream()
    out = stream.write(b"exa") + stream.pause()
    masker.add("late-example-2")
    out += stream.write(b" late-example-2") + stream.flush()
    assert out == b"exa [masked]"


def test_removal_while_a_beginning_is_held():
    """It goes out with the next write, or with a pause."""
    masker = masker_of("example-token-1")
    stream = masker.stream()
    stream.write(b"example-to")
    masker.remove("example-token-1")
    assert stream.write(b"") == b"example-to"


def test_clean_chunks_pass_as_they_are():
    """Output without a value costs no copy."""
    chunk = b"nothing to see here\n"
    assert masker_of("example-token-1").stream().write(chunk) is chunk


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_anything_that_holds_bytes_can_be_written(kind):
    """Binary files take these as well."""
    stream = masker_of("example-token-1").stream()
    assert stream.write(kind(b"a example-")) + stream.write(kind(b"token-1\n")) == b"a [masked]\n"
    assert stream.write(kind(b"clean\n")) == b"clean\n"
