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
        self.longest = 0
        """The length of the longest pattern, in bytes; 0 without any."""
        self._patterns: dict[bytes, None] = {}
        self._lengths: dict[int, int] = {}  # length: how many patterns have it
        self._short: tuple[bytes, ...] = ()  # too short to hold a whole word wherever they start
        self._discarded = 0
        self._windows = Windows()
        self._prefixes = Prefixes()
        self._shortcut = Shortcut(self._patterns)

    def __len__(self) -> int:
        return len(self._patterns)

    def __contains__(self, pattern: bytes) -> bool:
        return pattern in self._patterns

    def add(self, pattern: bytes) -> None:
        """Take in a pattern of at least one byte; one that is there already changes nothing."""
        if pattern in self._patterns:
            return
        self._patterns[pattern] = None
        length = len(pattern)
        self._lengths[length] = self._lengths.get(length, 0) + 1
        self.longest = max(self.longest, length)
        self._prefixes.add(pattern)
        if length < SHORTEST:
            self._short = (*self._short, pattern)
        else:
            self._windows.add(pattern)
        self._shortcut = Shortcut(self._patterns)

    def discard(self, pattern: bytes) -> None:
        """Drop a pattern; one that is not there is no error."""
        if pattern not in self._patterns:
            return
        del self._patterns[pattern]
        length = len(pattern)
        self._lengths[length] -= 1
        if not self._lengths[length]:
            del self._lengths[length]
            self.longest = max(self._lengths, default=0)
        if length < SHORTEST:
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

    def partial(self, buffer: bytes) -> int:
        """Return where the longest end of a buffer starts that is the beginning of a pattern, but not all of it.

        Returns:
            An offset into the buffer; its length when no pattern can begin there.
        """
        return self._prefixes.partial(buffer, self.longest)

    def clean(self, buffer: bytes) -> bool:
        """Return whether a buffer holds no pattern and does not end in the beginning of one."""
        if self._prefixes.partial(buffer, self.longest) != len(buffer):
            return False
        misses = self._shortcut.misses
        return (misses is not None and misses(buffer)) or not self.find(buffer)

    def _clear_out(self) -> None:
        """Make the indexes anew: what they keep of discarded patterns makes them slower, not wrong."""
        windows, prefixes = Windows(), Prefixes()
        for pattern in self._patterns:
            prefixes.add(pattern)
            if len(pattern) >= SHORTEST:
                windows.add(pattern)
        self._windows, self._prefixes, self._discarded = windows, prefixes, 0
