"""Whether a text ends in the beginning of a pattern: what a stream has to hold back."""

from __future__ import annotations

__all__ = ["Prefixes"]

WORD = 4


class Prefixes:
    """The beginnings of patterns. A few look-ups tell that a text ends in none of them, however many there are.

    A beginning of 4 bytes or more has, among the last 7 bytes of a text, a word that stands in the pattern at a place
    that 4 divides.
    """

    def __init__(self) -> None:
        self._bytes: set[int] = set()  # every byte but the last of each pattern; discarded patterns leave theirs
        self._words: set[bytes] = set()  # every fourth word before that; likewise
        self._short: dict[bytes, int] = {}  # beginnings of 1 to 3 bytes: how many patterns have them
        self._heads: dict[bytes, tuple[bytes, ...]] = {}  # first word: the patterns

    def add(self, pattern: bytes) -> None:
        """Take in a pattern."""
        inner = pattern[:-1]
        head = inner[:WORD]
        if len(head) == WORD:
            self._heads[head] = (*self._heads.get(head, ()), pattern)
        for size in range(1, min(len(inner), WORD - 1) + 1):
            short = inner[:size]
            self._short[short] = self._short.get(short, 0) + 1
        self._words.update([inner[start : start + WORD] for start in range(0, len(inner) - WORD + 1, WORD)])
        self._bytes.update(inner)

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern that was added."""
        inner = pattern[:-1]
        head = inner[:WORD]
        left = tuple(kept for kept in self._heads.get(head, ()) if kept != pattern)
        if left:
            self._heads[head] = left
        else:
            self._heads.pop(head, None)
        for size in range(1, min(len(inner), WORD - 1) + 1):
            self._short[inner[:size]] -= 1
            if not self._short[inner[:size]]:
                del self._short[inner[:size]]

    def partial(self, buffer: bytes, longest: int) -> int:
        """Return where the longest end of a buffer starts that is the beginning of a pattern, but not all of it.

        Args:
            buffer: the text.
            longest: the length of the longest pattern, in bytes.

        Returns:
            An offset into the buffer; its length when no pattern can begin there.
        """
        size = len(buffer)
        if not size or buffer[-1] not in self._bytes:
            return size
        words = self._words
        if buffer[-4:] in words or buffer[-5:-1] in words or buffer[-6:-2] in words or buffer[-7:-3] in words:
            heads = self._heads
            for start in range(max(size - longest + 1, 0), size - WORD + 1):
                patterns = heads.get(buffer[start : start + WORD])
                if patterns and any(
                    len(pattern) > size - start and pattern.startswith(buffer[start:]) for pattern in patterns
                ):
                    return start
        for length in (3, 2, 1):
            if buffer[-length:] in self._short:
                return max(size - length, 0)
        return size
