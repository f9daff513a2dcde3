"""Against a naive oracle: every covered byte is gone, one token stands for each run, however the data is cut."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tacenda.masking import Masker

# Few letters, so that values overlap, nest, repeat themselves and are prefixes of each other all the time.
SECRETS = st.lists(st.binary(min_size=1).map(lambda b: bytes(97 + x % 3 for x in b[:8])), max_size=5)
DATA = st.lists(st.sampled_from(b"abc."), max_size=80).map(bytes)


def oracle(secrets, data):
    """Mark every byte that any occurrence covers; write one token per run."""
    covered = [False] * len(data)
    for secret in secrets:
        for start in range(len(data) - len(secret) + 1):
            if secret and data[start : start + len(secret)] == secret:
                covered[start : start + len(secret)] = [True] * len(secret)
    out = bytearray()
    for place, byte in enumerate(data):
        if not covered[place]:
            out.append(byte)
        elif place == 0 or not covered[place - 1]:
            out += b"[masked]"
    return bytes(out)


def masker_of(secrets):
    masker = Masker(min_length=1)
    for secret in secrets:
        masker.add(secret)
    return masker


@given(SECRETS, DATA)
@example([b"ab", b"bc"], b"abc")
@example([b"aa"], b"aaaa")
def test_mask_is_the_oracle(secrets, data):
    """The union of all occurrences is replaced, and nothing else."""
    assert masker_of(secrets).mask(data) == oracle(secrets, data)


@given(SECRETS, DATA, st.lists(st.integers(0, 80), max_size=10))
def test_any_chunking_gives_the_same(secrets, data, cuts):
    """Where the writes were cut cannot be seen in the output."""
    ends = [*sorted(min(cut, len(data)) for cut in cuts), len(data)]
    stream = masker_of(secrets).stream()
    out = b"".join(stream.write(data[start:end]) for start, end in zip([0, *ends], ends, strict=False))
    assert out + stream.flush() == oracle(secrets, data)


@given(SECRETS, DATA)
@example([b"ab", b"ba"], b"aba")
@example([b"aaa"], b"aaaaaaaa.aaa")
def test_byte_by_byte_gives_the_same(secrets, data):
    """The worst case of unbuffered output."""
    stream = masker_of(secrets).stream()
    out = b"".join(stream.write(data[place : place + 1]) for place in range(len(data)))
    assert out + stream.flush() == oracle(secrets, data)


@given(SECRETS, DATA)
def test_what_is_out_never_has_to_be_taken_back(secrets, data):
    """After every write, the output so far is the beginning of the final output."""
    stream, out = masker_of(secrets).stream(), b""
    final = oracle(secrets, data)
    for place in range(len(data)):
        out += stream.write(data[place : place + 1])
        assert final.startswith(out)


@given(st.lists(st.text("abä🔑", min_size=1, max_size=4), max_size=4), st.text("abä🔑.", max_size=40))
def test_text_is_masked_as_its_bytes(secrets, text):
    """Text and its UTF-8 give the same."""
    masker = masker_of(secrets)
    assert (
        masker.mask(text).encode() == masker.mask(text.encode()) == oracle([s.encode() for s in secrets], text.encode())
    )


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=3), st.text(max_size=20))
def test_text_never_fails_on_binary_values(secrets, text):
    """Whatever bytes are registered, masking text gives text."""
    masked = masker_of(secrets).mask(text)
    assert isinstance(masked, str)
    if not any(secret in text.encode("utf-8", "surrogatepass") for secret in secrets):
        assert masked == text


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["aaaaaa", "bbbbbb", "cccccc"])), max_size=30))
def test_removal_counts(steps):
    """A value is masked exactly while it was added more often than removed, counted from zero up."""
    masker, counts = Masker(), dict.fromkeys(["aaaaaa", "bbbbbb", "cccccc"], 0)
    for add, value in steps:
        if add:
            masker.add(value)
            counts[value] += 1
        else:
            masker.remove(value)
            counts[value] = max(0, counts[value] - 1)
        for known, count in counts.items():
            assert masker.mask(f"x{known}x") == ("x[masked]x" if count else f"x{known}x")


@given(SECRETS, SECRETS, DATA, DATA)
def test_late_registration_never_narrows(early, late, before, after):
    """What is written after a registration is masked with it; what was known before stays masked throughout."""
    masker = masker_of(early)
    stream = masker.stream()
    out = stream.write(before)
    released = out
    for secret in late:
        masker.add(secret)
    out += stream.write(after) + stream.flush()
    assert oracle(early, before).startswith(released)
    if not early:
        assert out == before + oracle(late, after)
