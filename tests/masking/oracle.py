"""What masking has to give, worked out in the simplest way there is, and data on which it is hard to give."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from unittest import mock

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tacenda.masking import Masker
from tacenda.masking._matching import _shortcut, _table, _windows

EXAMPLES = settings(max_examples=60, deadline=None)  # a machine that does other things too may take its time

BACKENDS = ["stdlib", "numpy", *(["hyperscan"] if find_spec("hyperscan") else [])]


@contextmanager
def backend(name, windows=_windows, shortcut=_shortcut):
    """Have every text looked through in one way, however short; in blocks so small that their edges matter."""
    with (
        mock.patch.dict(sys.modules, {"numpy": np if name == "numpy" else None}),
        mock.patch.multiple(windows, TABLE_FROM=4, BLOCK=3),
        mock.patch.multiple(_table, FEW=0),
        mock.patch.multiple(shortcut, LOOKS=1 if name == "hyperscan" else sys.maxsize),
    ):
        yield


def settle(patterns):
    """Look so often that hyperscan takes over, where that is the backend."""
    for _ in range(len(patterns) if len(patterns) <= 50 else 0):
        patterns.find(b"")


def occurrences(patterns, data):
    """Where each occurrence starts and ends."""
    return sorted(
        (start, start + len(pattern))
        for pattern in patterns
        for start in range(len(data) - len(pattern) + 1)
        if data.startswith(pattern, start)
    )


def masked(patterns, data):
    """One token for each run of bytes that occurrences cover."""
    covered = [False] * len(data)
    for start, stop in occurrences(patterns, data):
        covered[start:stop] = [True] * (stop - start)
    out = bytearray()
    for place, byte in enumerate(data):
        if not covered[place]:
            out.append(byte)
        elif place == 0 or not covered[place - 1]:
            out += b"[masked]"
    return bytes(out)


def partial(patterns, data):
    """Where the longest end starts that is the beginning of a pattern, but not all of it."""
    ends = range(len(data))
    return next((at for at in ends if any(p.startswith(data[at:]) and p != data[at:] for p in patterns)), len(data))


def masker_of(patterns):
    """A masker of just these byte strings, without the other forms of a value."""
    masker = Masker()
    for pattern in patterns:
        masker._patterns.add(pattern)
    settle(masker._patterns)
    return masker


def pieces(data, cuts):
    """Data cut at some offsets."""
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


# Few letters and words that repeat, so that patterns overlap, nest, repeat themselves and begin like each other.
LETTERS = st.lists(st.sampled_from(b"ab"), min_size=1, max_size=11).map(bytes)
WORDS = st.lists(st.sampled_from([b"a", b"bc", b"abc", b"abcabc", b"\n", b"\0"]), min_size=1, max_size=6).map(b"".join)
PATTERNS = st.lists(LETTERS | WORDS, max_size=5)
CUTS = st.lists(st.integers(0, 200), max_size=10)


@st.composite
def texts(draw, patterns):
    """Text of whole patterns, beginnings of patterns, and what is between."""
    parts = []
    for _ in range(draw(st.integers(0, 8))):
        part = draw(st.sampled_from([*patterns, b"ab", b"c.", b"aabaabaab"]))
        parts.append(part[: draw(st.integers(1, len(part)))] if draw(st.booleans()) else part)
    return b"".join(parts)


@st.composite
def cases(draw):
    """Patterns and a text."""
    patterns = draw(PATTERNS)
    return patterns, draw(texts(patterns))


def random_case(seed):
    """As `cases`, but cheap: patterns, a text and cuts by a seed."""
    dice = random.Random(seed)
    letters = dice.choice([b"ab", b"abc.", b"abcdefgh\n", bytes(range(256))])

    def some(least, most):
        return bytes(dice.choices(letters, k=dice.randint(least, most)))

    patterns = [some(1, dice.choice([4, 6, 9, 20])) for _ in range(dice.randint(1, 6))]
    patterns += [pattern[dice.randint(0, 2) :] + some(1, 3) for pattern in patterns[:2]]
    parts = [some(0, 5)]
    for _ in range(dice.randint(1, 6)):
        part = dice.choice(patterns)
        parts += [part[: dice.randint(0, len(part))] if dice.random() < 0.4 else part, some(0, 3)]
    return patterns, b"".join(parts), [dice.randint(0, 200) for _ in range(dice.randint(0, 8))]
