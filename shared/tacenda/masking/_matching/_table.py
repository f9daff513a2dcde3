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

SMALLEST, LARGEST = 18, 22
"""How large a table is, in bits of a slot's number."""

BLOCK = 1 << 16
"""So many words are looked up at once: what that takes stays in the processor's cache."""

FEW = 128
"""So many hits in a block are reported as they are: looking at them takes no longer than looking them up again."""

_ONE, _OTHER = 2654435761, 2246822519
"""Odd numbers that spread words over the slots: by the golden ratio, and a prime of xxHash's."""


def numpy_if_imported() -> Any:
    """Return numpy if the program uses it; None if not, or not yet."""
    numpy = sys.modules.get("numpy")
    return None if getattr(getattr(numpy, "__spec__", None), "_initializing", False) else numpy


class Table:
    """A hash table of the words by which patterns are found. It may report too many hits, and never too few.

    A word is looked up by itself first. That leaves so few that they can be looked up again by another hash, now
    together with the one or two words before it, where a pattern has them: text that only begins or ends like a
    pattern seldom gets further, nor do the words that UTF-32 makes of a letter.

    Threads read it without a lock: it does not change, but a larger one takes its place.

    Args:
        numpy: the module.
        rows: the words, their offsets, and the patterns.
        total: how many patterns of the log these are.
    """

    def __init__(self, numpy: Any, rows: list[Row], total: int) -> None:
        self.total = total
        self._numpy = numpy
        self._rows = 0
        bits = min(max(len(rows).bit_length() + SPARSE, SMALLEST), LARGEST)
        self.words = numpy.zeros(1 << bits, numpy.bool_)
        self.stretches = numpy.zeros((3, 1 << bits), numpy.bool_)
        self._shift = numpy.uint32(32 - bits)
        self._one, self._other = numpy.uint32(_ONE), numpy.uint32(_OTHER)
        self.put(rows)

    def has_room(self, more: int) -> bool:
        """Return whether so many rows more leave most slots free."""
        return (self._rows + more) << SPARSE <= 2 * len(self.words)

    def extended(self, rows: list[Row], total: int) -> Table:
        """Return a table that has more rows."""
        import copy

        table = copy.copy(self)
        table.total, table.words, table.stretches = total, self.words.copy(), self.stretches.copy()
        table.put(rows)
        return table

    def hits(self, buffer: bytes) -> list[int]:
        """Return where a word tells of a pattern, counted in words from the start of a buffer."""
        hits: list[int] = []
        words = self._numpy.frombuffer(buffer, self._numpy.uint32, len(buffer) // WORD)
        for start in range(0, len(words), BLOCK):
            block = words[start : start + BLOCK]
            slots = block * self._one
            slots >>= self._shift
            places = self.words.take(slots).nonzero()[0]
            places += start
            if len(places) > FEW:
                places = places[self._likely(words, places)]
            hits += places.tolist()
        return hits

    def put(self, rows: list[Row]) -> None:
        """Put in rows, before anybody else has the table."""
        if not rows:
            return
        numpy = self._numpy
        self._rows += len(rows)
        words = numpy.array([word for word, _, _ in rows], numpy.uint32)
        stretches = [pattern[max(offset - 2 * WORD, 0) : max(offset, 0)].rjust(2 * WORD) for _, offset, pattern in rows]
        earlier, before = numpy.frombuffer(b"".join(stretches), numpy.uint32).reshape(-1, 2).T
        known = numpy.array([min(max(offset, 0) // WORD, 2) for _, offset, _ in rows])
        self.words[words * self._one >> self._shift] = True
        self.stretches[known, numpy.choose(known, self._slots(words, before, earlier))] = True

    def _likely(self, words: Any, places: Any) -> Any:
        """Return of each place whether a pattern has its word after the words that stand before it in a text."""
        # Before the start of the text there is nothing, and no pattern: anything will do.
        before, earlier = (words.take(places - back, mode="wrap") for back in (1, 2))
        slots = self._slots(words.take(places), before, earlier)
        one, two, three = map(self._numpy.take, self.stretches, slots)
        return one | two | three

    def _slots(self, words: Any, before: Any, earlier: Any) -> tuple[Any, Any, Any]:
        """Return the slots of words by themselves, together with the word before, and with the two words before."""
        two = self._mixed(words) ^ before
        three = self._mixed(two) ^ earlier
        return tuple(key * self._other >> self._shift for key in (words, two, three))

    def _mixed(self, key: Any) -> Any:
        key = key * self._one  # which leaves low zero bits as they are, and in UTF-32 there are many
        return key ^ key >> 15
