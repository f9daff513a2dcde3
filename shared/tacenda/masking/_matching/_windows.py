"""Finding patterns by looking at every fourth byte of a text only.

A pattern of at least 7 bytes holds, wherever it starts, a whole word of 4 bytes at an offset into the text that 4
divides, and it is one of any 4 neighboring words of the pattern. So 4 words of each pattern go into a dictionary, and a
text is looked through word by word: nothing is compiled, and the number of patterns hardly matters.
"""

from __future__ import annotations

import sys
from itertools import compress
from typing import TYPE_CHECKING

from tacenda.masking._matching._table import Table, numpy_if_imported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tacenda.masking._spans import Span

__all__ = ["SHORTEST", "Windows"]

SHORTEST = 6
"""Patterns with fewer bytes have too few words."""

WORD = 4

BLOCK = 256
"""So many words are tested at once, and on a hit one by one."""

TABLE_FROM = 2048
"""From this length on a text is looked through by numpy, if it is there. Bytes."""

CROWD, SPOTS = 64, 16
"""Where other patterns have the same words more often than this, so many other spots of a pattern are tried."""

Row = tuple[int, int, bytes]
"""A word, its offset in a pattern, and the pattern."""

_SHIFTS = tuple(enumerate((0, 8, 16, 24) if sys.byteorder == "little" else (24, 16, 8, 0)))
_STEP = int.from_bytes(b"\1\0\0\0", sys.byteorder)


class Windows:
    """The words by which patterns are found. Readers need no lock; adding and discarding are up to one thread."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Row, ...]] = {}  # word: where it stands in which patterns
        self._misses = self._rows.keys().isdisjoint
        self._offsets: dict[bytes, int] = {}  # pattern: where its words begin
        self._log: list[bytes] = []  # the patterns in the order they came, for the table to catch up
        self._table: Table | None = None

    def add(self, pattern: bytes) -> None:
        """Take in a pattern of at least 6 bytes."""
        rows, known = self._choose(pattern), self._rows
        self._offsets[pattern] = rows[0][1]
        for row in rows:
            known[row[0]] = (*known[row[0]], row) if row[0] in known else (row,)
        self._log.append(pattern)

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern that was added."""
        for row in _rows(pattern, self._offsets.pop(pattern)):
            left = tuple(kept for kept in self._rows[row[0]] if kept != row)
            if left:
                self._rows[row[0]] = left
            else:
                del self._rows[row[0]]

    def find(self, buffer: bytes) -> list[Span]:
        """Return every occurrence of every pattern, in no order."""
        size = len(buffer) & -WORD
        words = memoryview(buffer)[:size].cast("I")
        if size < TABLE_FROM:
            return [] if self._misses(words) else self._verified(buffer, words, self._hits(words))
        table = self._caught_up()
        return self._verified(buffer, words, table.hits(buffer) if table else self._hits(words))

    def _hits(self, words: memoryview) -> Iterator[int]:
        for start in range(0, len(words), BLOCK):
            block = words[start : start + BLOCK]
            if not self._misses(block):
                yield from compress(range(start, start + BLOCK), map(self._rows.__contains__, block))

    def _verified(self, buffer: bytes, words: memoryview, hits: Iterable[int]) -> list[Span]:
        found, known, starts_with = [], self._rows, buffer.startswith
        for hit in hits:
            for _, offset, pattern in known.get(words[hit], ()):
                start = hit * WORD - offset  # a start before the buffer counts from its end: too near for the pattern
                if starts_with(pattern, start):
                    found.append((start, start + len(pattern)))
        return found

    def _choose(self, pattern: bytes) -> list[Row]:
        """Return the rows of a pattern: words near its end, as there is text that only begins like it.

        Where other patterns have the same words, as in addresses that differ by a password, another spot is better.
        """
        last = len(pattern) - 2 * WORD + 1
        best = _rows(pattern, last)
        if last < WORD:
            return best
        least = self._crowd(best)
        for spot in range(last - WORD, -1, -WORD)[:SPOTS]:
            if least <= CROWD:
                break
            rows = _rows(pattern, spot)
            if (crowd := self._crowd(rows)) < least:
                best, least = rows, crowd
        return best

    def _crowd(self, rows: list[Row]) -> int:
        crowd, known = 0, self._rows
        for row in rows:
            if row[0] in known:
                crowd += len(known[row[0]])
        return crowd

    def _caught_up(self) -> Table | None:
        """Return a table of all patterns, or None without numpy. Threads may each make one; all of them are right."""
        table, total = self._table, len(self._log)
        if table is not None and table.total == total:
            return table
        numpy = numpy_if_imported()
        if numpy is None:
            return None
        rows = self._rows_between(table.total if table else 0, total)
        if table is not None and table.has_room(len(rows)):
            table = table.extended(rows, total)
        else:
            table = Table(numpy, self._rows_between(0, total), total)
        self._table = table
        return table

    def _rows_between(self, start: int, total: int) -> list[Row]:
        return [
            row
            for pattern in self._log[start:total]
            if (offset := self._offsets.get(pattern)) is not None
            for row in _rows(pattern, offset)
        ]


def _rows(pattern: bytes, offset: int) -> list[Row]:
    """Return the words that tell of a pattern, one of them wherever it starts; those at the offset come first.

    A pattern of 6 bytes has 3 only, and offset -1: there stand all words that end in its first 3 bytes.
    """
    seven = int.from_bytes(pattern[offset : offset + 7] if offset >= 0 else b"\0" + pattern, sys.byteorder)
    rows = [(seven >> shift & 0xFFFFFFFF, offset + number, pattern) for number, shift in _SHIFTS]
    if offset < 0:
        first = rows[0][0]
        rows[:1] = [(word, offset, pattern) for word in range(first, first + 256 * _STEP, _STEP)]
    return rows
