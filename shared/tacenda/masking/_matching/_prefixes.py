"""Whether a text ends in the beginning of a pattern: what a stream has to hold back."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Prefixes"]

WORD = 4

_MASK = 0xFFFFFFFF


class Prefixes:
    """The beginnings of patterns. A few look-ups tell that a text ends in none of them, however many there are.

    The last two bytes of a beginning stand in the pattern. One of 4 bytes or more has, among its last 7 bytes, a word
    that stands in the pattern at a place that 4 divides.

    Args:
        patterns: those to start with.
    """

    def __init__(self, patterns: Iterable[bytes] = ()) -> None:
        self.longest = 0
        """The length of the longest pattern, in bytes; 0 without any."""
        self._lengths: dict[int, int] = {}  # length: how many patterns have it
        self._heads: dict[bytes, tuple[bytes, ...]] = {}  # the first word, or all but the last byte: the patterns
        self._short: dict[bytes, int] = {}  # beginnings of 1 to 3 bytes: how many heads have them
        # What stands in all but the last byte of each pattern; discarded patterns leave theirs.
        self._early: set[int] = set()  # the first 3 bytes
        self._pairs: set[tuple[int, int]] = set()  # every two bytes
        self._words: set[int] = set()  # every fourth word
        for pattern in patterns:
            self.add(pattern)

    def add(self, pattern: bytes) -> None:
        """Take in a pattern."""
        length = len(pattern)
        self._lengths[length] = self._lengths.get(length, 0) + 1
        self.longest = max(self.longest, length)
        inner = pattern[:-1]
        head = inner[:WORD]
        if head in self._heads:
            self._heads[head] = (*self._heads[head], pattern)
        else:
            self._heads[head] = (pattern,)
            for short in _short(head):
                self._short[short] = self._short.get(short, 0) + 1
            self._early.update(head[: WORD - 1])
        self._pairs.update(pairwise(inner))
        self._words.update(memoryview(inner)[: len(inner) & -WORD].cast("I"))

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern that was added."""
        length = len(pattern)
        self._lengths[length] -= 1
        if not self._lengths[length]:
            del self._lengths[length]
            self.longest = max(self._lengths, default=0)
        head = pattern[:-1][:WORD]
        left = tuple(kept for kept in self._heads[head] if kept != pattern)
        if left:
            self._heads[head] = left
            return
        del self._heads[head]
        for short in _short(head):
            self._short[short] -= 1
            if not self._short[short]:
                del self._short[short]

    def clear_out(self, patterns: Iterable[bytes]) -> None:
        """Forget what discarded patterns have left; those that are still there come anew."""
        vars(self).update(vars(Prefixes(patterns)))  # one by one: each is as good for a reader as the one before

    def partial(self, buffer: bytes) -> int:
        """Return where the longest end of a buffer starts that is the beginning of a pattern, but not all of it.

        Returns:
            An offset into the buffer; its length when no pattern can begin there.
        """
        size = len(buffer)
        if size > 1 and (buffer[-2], buffer[-1]) in self._pairs:
            last = int.from_bytes(buffer[-7:], sys.byteorder)
            if not self._words.isdisjoint((last & _MASK, last >> 8 & _MASK, last >> 16 & _MASK, last >> 24)):
                heads = self._heads
                for start in range(max(size - self.longest + 1, 0), size - WORD + 1):
                    patterns = heads.get(buffer[start : start + WORD])
                    if patterns and any(
                        len(pattern) > size - start and pattern.startswith(buffer[start:]) for pattern in patterns
                    ):
                        return start
        if size and buffer[-1] in self._early:
            for length in (3, 2, 1):
                if buffer[-length:] in self._short:
                    return max(size - length, 0)
        return size


def _short(head: bytes) -> list[bytes]:
    return [head[:size] for size in range(1, min(len(head), WORD - 1) + 1)]
