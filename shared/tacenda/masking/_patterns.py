"""A set of byte strings, every occurrence of which is found in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tacenda.masking._spans import Span

__all__ = ["PatternSet"]


class PatternSet:
    """Byte strings to look for. Adding one costs microseconds and takes effect at once.

    Reading while another thread adds or discards is safe: the reader sees the set before or after.
    """

    def __init__(self) -> None:
        self._patterns: dict[bytes, None] = {}
        self.longest = 0
        """The length of the longest pattern, in bytes; 0 without any."""

    def __len__(self) -> int:
        return len(self._patterns)

    def __contains__(self, pattern: bytes) -> bool:
        return pattern in self._patterns

    def add(self, pattern: bytes) -> None:
        """Take in a pattern of at least one byte."""
        self._patterns = {**self._patterns, pattern: None}
        self.longest = max(self.longest, len(pattern))

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern; one that is not there is no error."""
        self._patterns = {kept: None for kept in self._patterns if kept != pattern}
        self.longest = max(map(len, self._patterns), default=0)

    def find(self, buffer: bytes) -> list[Span]:
        """Return every occurrence of every pattern, overlapping ones too, in no order."""
        found: list[Span] = []
        for pattern in self._patterns:
            start = buffer.find(pattern)
            while start != -1:
                found.append((start, start + len(pattern)))
                start = buffer.find(pattern, start + 1)
        return found

    def partial(self, buffer: bytes) -> int:
        """Return where the longest end of a buffer starts that is the beginning of a pattern, but not all of it.

        Returns:
            An offset into the buffer; its length when no pattern can begin there.
        """
        for start in range(max(len(buffer) - self.longest + 1, 0), len(buffer)):
            end = buffer[start:]
            if any(pattern.startswith(end) and pattern != end for pattern in self._patterns):
                return start
        return len(buffer)
