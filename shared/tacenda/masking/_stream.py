"""Masking a stream of bytes in whatever pieces it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._spans import union

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker
    from tacenda.masking._spans import Span

__all__ = ["HELD", "MaskStream"]

HELD = 0.1
"""How long the possible beginning of a value is held back: somebody may wait for a prompt. Seconds."""
SHOWN = 3
"""So many held bytes may be shown when a stream pauses; more of a value's beginning is masked. Bytes."""


class MaskStream:
    """Masks a stream of bytes: `write` returns what can be passed on, `flush` the rest.

    The output is the same for every way of cutting the input up. What may be the beginning of a value is held
    back, and nothing else: never as much as the longest form of a value.
    """

    __slots__ = ("_done", "_find", "_held", "_in_run", "_masker", "_partial")

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._find, self._partial = masker.find, masker.partial
        self._held = b""
        self._done = 0  # so many bytes at the start of _held are out already, or a token for them
        self._in_run = False  # whether they end in a token, which stands for what goes on there too

    @property
    def pending(self) -> bool:
        """Whether something is held that `pause` would release."""
        return self._done < len(self._held)

    def write(self, chunk: bytes) -> bytes:
        """Take more bytes and return what is decided, masked."""
        held = self._held + chunk
        end, found = self._partial(held), self._find(held)
        if found or self._done or self._in_run:
            self._held = held
            return self._release(end, found)
        self._held = held[end:]
        return held[:end]

    def flush(self) -> bytes:
        """Return everything that was held back, masked: the stream has ended."""
        return self._release(len(self._held), self._find(self._held))

    def pause(self) -> bytes:
        """Return what was held back, because nothing came for a while and somebody may wait for a prompt.

        A beginning of at most 3 bytes is shown, a longer one masked; a value that goes on later is still recognized.
        """
        if not self.pending:
            return b""
        if len(self._held) <= SHOWN and not self._find(self._held):
            out, self._in_run = self._held[self._done :], False
        else:
            out, self._in_run = b"" if self._in_run else self._masker.token, True
        self._done = len(self._held)
        return out

    def _release(self, end: int, found: list[Span]) -> bytes:
        """Return what stands before an offset into what is held, with every run that starts there."""
        if not end:
            return b""
        out, held, token = bytearray(), self._held, self._masker.token
        position, in_run = self._done, self._in_run
        for start, stop in union(found):
            if start >= end:
                break
            if stop <= position:  # a pause has shown it, or masked it
                continue
            out += held[position:start]
            if start > position or not in_run:
                out += token
            position, in_run = stop, True
        if position < end:
            out += held[position:end]
            position, in_run = end, False
        self._held = held[end:]
        self._done, self._in_run = position - end, in_run
        return bytes(out)
