"""A set of byte strings, every occurrence of which is found in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._matching._prefixes import Prefixes
from tacenda.masking._matching._shortcut import Shortcut
from tacenda.masking._matching._windows import SHORTEST, Windows

if TYPE_CHECKING:
    from tacenda.masking._spans import Span

__all__ = ["PatternSet"]


class PatternSet:
    """Byte strings to look for. Adding one costs microseconds and takes effect at once.

    Reading while another thread adds or discards is safe: the reader sees the set before or after. Adding and
    discarding are up to one thread at a time.
    """

    def __init__(self) -> None:
        self._patterns: dict[bytes, None] = {}
        self._short: tuple[bytes, ...] = ()  # too short to hold a whole word wherever they start
        self._discarded = 0
        self._windows = Windows()
        self._prefixes = Prefixes()
        self.partial = self._prefixes.partial
        self._shortcut = Shortcut(self._patterns)

    def __len__(self) -> int:
        return len(self._patterns)

    def __contains__(self, pattern: bytes) -> bool:
        return pattern in self._patterns

    @property
    def longest(self) -> int:
        """The length of the longest pattern, in bytes; 0 without any."""
        return self._prefixes.longest

    def add(self, pattern: bytes) -> None:
        """Take in a pattern of at least one byte; one that is there already changes nothing."""
        if pattern in self._patterns:
            return
        self._patterns[pattern] = None
        self._prefixes.add(pattern)
        if len(pattern) < SHORTEST:
            self._short = (*self._short, pattern)
        else:
            self._windows.add(pattern)
        self._shortcut = Shortcut(self._patterns)

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern; one that is not there is no error."""
        if pattern not in self._patterns:
            return
        del self._patterns[pattern]
        if len(pattern) < SHORTEST:
            self._short = tuple(kept for kept in self._short if kept != pattern)
        else:
            self._windows.discard(pattern)
        self._prefixes.discard(pattern)
        self._shortcut = Shortcut(self._patterns)
        self._discarded += 1
        if self._discarded > len(self._patterns):
            self._clear_out()

    def find(self, buffer: bytes) -> list[Span]:
        """Return every occurrence of every pattern, overlapping ones too, in no order."""
        shortcut = self._shortcut
        if shortcut.misses is None:
            shortcut.looked()
        elif shortcut.misses(buffer):
            return []
        found = self._windows.find(buffer)
        for pattern in self._short:
            start = buffer.find(pattern)
            while start != -1:
                found.append((start, start + len(pattern)))
                start = buffer.find(pattern, start + 1)
        return found

    def _clear_out(self) -> None:
        """Make the indexes anew: what they keep of discarded patterns makes them slower, not wrong."""
        windows = Windows()
        for pattern in self._patterns:
            if len(pattern) >= SHORTEST:
                windows.add(pattern)
        self._windows, self._discarded = windows, 0
        self._prefixes.clear_out(self._patterns)
