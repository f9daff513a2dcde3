"""Against a naive oracle: every covered byte is gone, one token stands for each run, however the data is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracle import (
    BACKENDS,
    CUTS,
    EXAMPLES,
    PATTERNS,
    backend,
    cases,
    masked,
    masker_of,
    occurrences,
    partial,
    pieces,
    texts,
)

from tacenda.masking import Masker
from tacenda.masking._forms._variants import variants
from tacenda.masking._policy import why_not_masked


@pytest.mark.parametrize("name", BACKENDS)
@EXAMPLES
@given(cases())
@example(([b"ab", b"bc"], b"abc"))
@example(([b"aa"], b"aaaa"))
def test_mask_is_the_oracle(name, case):
    """The union of all occurrences is replaced, and nothing else."""
    patterns, data = case
    with backend(name):
        assert masker_of(patterns).mask(data) == masked(patterns, data)


@pytest.mark.parametrize("name", BACKENDS)
@EXAMPLES
@given(cases(), CUTS)
def test_any_chunking_gives_the_same(name, case, cuts):
    """Where the writes were cut cannot be seen in the output."""
    patterns, data = case
    with backend(name):
        stream = masker_of(patterns).stream()
        out = b"".join(map(stream.write, pieces(data, cuts)))
        assert out + stream.flush() == masked(patterns, data)


@pytest.mark.parametrize("name", BACKENDS)
@EXAMPLES
@given(cases())
@example(([b"ab", b"ba"], b"aba"))
@example(([b"aaa"], b"aaaaaaaa.aaa"))
@example(([b"abcabcabd-77"], b"abcabcabcabd-77"))
def test_byte_by_byte_gives_the_same(name, case):
    """The worst case of unbuffered output: nothing that is out has to be taken back, and no more is held than needed.

    What is held is less than the longest pattern, and a real beginning of one.
    """
    patterns, data = case
    longest = max(map(len, patterns), default=0)
    final = masked(patterns, data)
    with backend(name):
        stream, out = masker_of(patterns).stream(), b""
        for end in range(1, len(data) + 1):
            out += stream.write(data[end - 1 : end])
            assert final.startswith(out)
            assert len(stream._held) == end - partial(patterns, data[:end])
            assert len(stream._held) < max(longest, 1)
        assert out + stream.flush() == final


@EXAMPLES
@given(cases(), CUTS, st.lists(st.booleans(), min_size=11, max_size=11))
@example(([b"abcabc"], b"abcabcabcabc"), [8, 10], [True] * 11)
@example(([b"abcabc"], b"abcabcab.abcabc"), [6, 7, 8, 12], [True] * 11)
@example(([b"a", b"abc"], b"abab"), [1, 2], [True] * 11)
def test_pauses_neither_leak_nor_lose_nor_double(case, cuts, pauses):
    """With pauses anywhere: no whole value is out, no clear byte is doubled or made up, no two tokens in a row."""
    patterns, data = case
    stream, out = masker_of(patterns).stream(), b""
    for piece, pause in zip(pieces(data, cuts), pauses, strict=False):
        out += stream.write(piece)
        if pause:
            out += stream.pause()
            assert not stream.pending
            assert stream.pause() == b""
    out += stream.flush()
    clear = out.split(b"[masked]")
    assert re.fullmatch(b"(?s:.+)".join(map(re.escape, clear)), data)
    assert b"" not in clear[1:-1]
    assert not any(occurrences(patterns, part) for part in clear)
    if not any(pauses[: len(cuts) + 1]):
        assert out == masked(patterns, data)


@EXAMPLES
@given(cases(), st.integers(0, 200))
def test_a_pause_hides_all_but_three_bytes(case, cut):
    """What a pause shows of a value's beginning is at most 3 bytes long, and nothing else is shown."""
    patterns, data = case
    stream = masker_of(patterns).stream()
    stream.write(data[:cut])
    held, shown = stream._held, stream.pause()
    assert shown in {b"", b"[masked]"} or (held.endswith(shown) and len(held) <= 3)


@EXAMPLES
@given(PATTERNS, PATTERNS, st.data())
def test_late_registration_takes_effect_at_once(early, late, data):
    """Of what comes after a registration nothing is missed, what was held back included."""
    before, after = data.draw(texts(early + late)), data.draw(texts(early + late))
    masker = masker_of(early)
    stream = masker.stream()
    out = stream.write(before)
    assert masked(early, before).startswith(out)
    held, in_run = before[partial(early, before) :], stream._in_run
    for pattern in late:
        masker._patterns.add(pattern)
    rest = stream.write(after) + stream.flush()
    if not in_run:
        assert rest == masked(early + late, held + after)
    assert not occurrences(early + late, rest.split(b"[masked]")[-1])


@EXAMPLES
@given(PATTERNS, PATTERNS, st.data())
def test_removal_takes_effect_at_once(kept, removed, data):
    """What is taken back passes from then on, and nothing is lost."""
    text = data.draw(texts(kept + removed))
    masker = masker_of(kept + removed)
    stream = masker.stream()
    for pattern in set(removed) - set(kept):
        masker._patterns.discard(pattern)
    assert stream.write(text) + stream.flush() == masked(kept, text)


VALUES = st.lists(st.text("abä🔑\n\"'", min_size=1, max_size=8), max_size=3)


@EXAMPLES
@given(VALUES, st.data())
def test_every_form_of_a_value_is_masked(values, data):
    """With all forms that a value takes: text and its UTF-8 give the same, which is the oracle's."""
    masker = Masker(min_length=2)
    for value in values:
        masker.add(value)
    taken = [value.encode() for value in values if not why_not_masked(value, 2)]
    forms = sorted({form for value in taken for form in variants(value, 2)})
    text = "".join(data.draw(st.lists(st.sampled_from(["ab", "ä", "🔑", ".", *values]), max_size=12)))
    assert masker.mask(text).encode() == masker.mask(text.encode()) == masked(forms, text.encode())


@EXAMPLES
@given(st.lists(st.binary(min_size=6, max_size=7), max_size=3), st.text(max_size=20))
def test_text_never_fails_on_binary_values(values, text):
    """Whatever bytes are registered, masking text gives text."""
    masker = masker_of([*values, *(value[1:3] for value in values)])
    result = masker.mask(text)
    assert isinstance(result, str)
    if not masker.spans(text.encode("utf-8", "surrogatepass")):
        assert result is text


@EXAMPLES
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["aabaab", "bbabba", "bababa"])), max_size=30))
def test_removal_counts(steps):
    """A value is masked exactly while it was added more often than removed, counted from zero up."""
    counts = dict.fromkeys(["aabaab", "bbabba", "bababa"], 0)
    masker = Masker()
    for add, value in steps:
        if add:
            masker.add(value)
            counts[value] += 1
        else:
            masker.remove(value)
            counts[value] = max(0, counts[value] - 1)
        for known, count in counts.items():
            assert masker.mask(f"x{known}x") == ("x[masked]x" if count else f"x{known}x")
