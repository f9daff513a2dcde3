"""Masking a stream of bytes in whatever pieces it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._spans import union

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["MaskStream"]

SHOWN = 3
"""So many held bytes may be shown when a stream pauses; more of a value's beginning is masked. Bytes."""


class MaskStream:
    """Masks a stream of bytes: `write` returns what can be passed on, `flush` the rest.

    The output is the same for every way of cutting the input up. What may be the beginning of a value is held
    back, and nothing else: never as much as the longest pattern.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        self._shown = 0  # so many bytes at the start of _held are out already
        # How far a run whose token is already out reaches into _held; 0 is "up to its edge", None "no such run".
        self._covered: int | None = None

    @property
    def pending(self) -> bool:
        """Whether something is held that `pause` would release."""
        return max(self._shown, self._covered or 0) < len(self._held)

    def write(self, chunk: bytes) -> bytes:
        """Take more bytes and return what is decided, masked."""
        self._held += chunk
        return self._release(self._masker.partial(self._held))

    def flush(self) -> bytes:
        """Return everything that was held back, masked: the stream has ended."""
        return self._release(len(self._held))

    def pause(self) -> bytes:
        """Return what was held back, because nothing came for a while and somebody may wait for a prompt.

        A beginning of at most 3 bytes is shown, a longer one masked; a value that goes on later is still recognized.
        """
        if not self.pending:
            return b""
        fresh = self._held[max(self._shown, self._covered or 0) :]
        if len(self._held) <= SHOWN:
            self._shown = len(self._held)
            return fresh
        out = b"" if self._covered else self._masker.token
        self._covered = len(self._held)
        return out

    def _release(self, end: int) -> bytes:
        if end <= 0:
            return b""
        spans = self._masker.spans(self._held)
        if self._covered is not None:
            spans = union([(0, self._covered), *spans])
        out = bytearray()
        position = self._shown
        for start, stop in spans:
            if start >= end:
                break
            out += self._held[position:start]
            if start > 0 or self._covered is None:
                out += self._masker.token
            position = stop
        out += self._held[position:end]
        self._covered = position - end if position >= end and spans else None
        self._shown = max(self._shown - end, 0)
        self._held = self._held[end:]
        return bytes(out)
