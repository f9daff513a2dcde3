"""Looking a text through for words with numpy: some gigabytes per second, however many words there are.

numpy is used where the program has imported it anyway; it is never imported from here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacenda.masking._matching._windows import Row

__all__ = ["Table", "numpy_if_imported"]

WORD = 4

SPARSE = 4
"""By so many bits a table is larger than what is in it: of 16 slots, 15 stay free."""

SMALLEST, LARGEST = 16, 22
"""How large a table is, in bits of a slot's number."""

BLOCK = 1 << 16
"""So many words are looked up at once: what that takes stays in the processor's cache."""

DEEPEST = 4
"""So many rows of one slot are told apart here; where there are more, every hit is reported."""


def numpy_if_imported() -> Any:
    """Return numpy if the program uses it; None if not, or not yet."""
    numpy = sys.modules.get("numpy")
    return None if getattr(getattr(numpy, "__spec__", None), "_initializing", False) else numpy


class Table:
    """A hash table of the words by which patterns are found. It may report too many hits, and never too few.

    Threads read it without a lock: it does not change, but a larger one takes its place.

    Args:
        numpy: the module.
        rows: the words, their offsets, and the patterns.
        total: how many patterns of the log these are.
    """

    def __init__(self, numpy: Any, rows: list[Row], total: int) -> None:
        self.total = total
        self._numpy = numpy
        bits = min(max(len(rows).bit_length() + SPARSE, SMALLEST), LARGEST)
        self.taken = numpy.zeros(1 << bits, numpy.bool_)
        self.slots = numpy.zeros(1 << bits, numpy.int32)  # numbers of rows in _facts
        # word, its offset, the pattern's length, first and last word, next row in the same slot; row 0 ends a slot
        self._facts = numpy.zeros((1, 6), numpy.int64)
        self._factor, self._shift = numpy.uint32(2654435761), numpy.uint32(32 - bits)
        self.put(rows)

    def has_room(self, more: int) -> bool:
        """Return whether so many rows more leave most slots free."""
        return (len(self._facts) + more) << SPARSE <= 2 * len(self.taken)

    def extended(self, rows: list[Row], total: int) -> Table:
        """Return a table that has more rows."""
        import copy

        table = copy.copy(self)
        table.total, table.taken, table.slots = total, self.taken.copy(), self.slots.copy()
        table.put(rows)
        return table

    def hits(self, buffer: bytes) -> list[int]:
        """Return where a word tells of a pattern, counted in words from the start of a buffer."""
        hits: list[int] = []
        words = self._numpy.frombuffer(buffer, self._numpy.uint32, len(buffer) // WORD)
        for start in range(0, len(words), BLOCK):
            slots = self._slots_of(words[start : start + BLOCK])
            taken = self.taken.take(slots)
            if taken.any():
                places = taken.nonzero()[0]
                hits += self._likely(buffer, words, places + start, self.slots.take(slots.take(places)))
        return hits

    def _slots_of(self, words: Any) -> Any:
        return (words * self._factor) >> self._shift

    def put(self, rows: list[Row]) -> None:
        """Put rows in front of those that are in their slots already."""
        if not rows:
            return
        numpy = self._numpy
        facts = [
            (word, offset, len(pattern), _word(pattern[:WORD]), _word(pattern[-WORD:]), 0)
            for word, offset, pattern in rows
        ]
        new = numpy.array(facts, numpy.int64)
        slots = self._slots_of(new[:, 0].astype(numpy.uint32))
        order = slots.argsort(kind="stable")
        new, slots = new[order], slots[order]
        numbers = numpy.arange(len(self._facts), len(self._facts) + len(new))
        new[:, -1] = self.slots[slots]
        same = (slots[1:] == slots[:-1]).nonzero()[0]
        new[same + 1, -1] = numbers[same]
        self._facts = numpy.concatenate([self._facts, new])
        self.slots[slots] = numbers  # where a slot stands several times, the last one counts
        self.taken[slots] = True

    def _likely(self, buffer: bytes, words: Any, places: Any, rows: Any) -> list[int]:
        """Return the hits that have the first and the last word of a pattern where it would start and end.

        Text that only begins or ends like a pattern goes no further than this.
        """
        numpy = self._numpy
        anywhere = numpy.ndarray((len(buffer) - WORD + 1,), numpy.uint32, buffer, strides=(1,))
        hits: list[int] = []
        for _ in range(DEEPEST):
            word, offset, length, first, last, other = self._facts.take(rows, axis=0).T
            likely = word == words.take(places)
            if likely.any():
                starts = places * WORD - offset
                likely &= (starts >= 0) & (starts + length <= len(buffer))
                starts, ends = starts[likely], (starts + length - WORD)[likely]
                likely[likely] = (anywhere[starts] == first[likely]) & (anywhere[ends] == last[likely])
                hits += places[likely].tolist()
            more = (other > 0) & ~likely
            places, rows = places[more], other[more]
            if not len(places):
                break
        hits += places.tolist()
        return hits


def _word(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)
