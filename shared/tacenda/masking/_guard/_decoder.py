"""What the decoders of the guard share: they decode only those stretches of a stream that may be encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Sink", "StretchDecoder"]

BEFORE = 4096
"""A stretch begins at most this far before the block in which an encoding was recognized. Bytes."""


class Sink(Protocol):
    """What takes a stream: a scanner, or a decoder before it."""

    def feed(self, data: bytes, /) -> None:
        """Take the next bytes of the stream."""

    def close(self) -> None:
        """Finish: the stream has ended."""


class StretchDecoder:
    """Decodes from shortly before the first block that looks encoded to the first one that no longer does."""

    def __init__(self, inner: Callable[[], Sink]) -> None:
        self._inner = inner
        self._before = b""
        self._on = False

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the stream."""
        seen = self._before + block
        signs = self.signs(seen)
        if self._on:
            self.decode(block)
            if not signs:
                self.end()
        elif signs:
            self.decode(seen)
        self._on = signs
        self._before = seen[-BEFORE:]

    def close(self) -> None:
        """Finish: the stream has ended."""
        if self._on:
            self.end()
        self._before, self._on = b"", False

    def signs(self, data: bytes) -> bool:
        """Return whether part of this data looks encoded."""
        raise NotImplementedError

    def decode(self, data: bytes) -> None:
        """Take the next bytes of a stretch."""
        raise NotImplementedError

    def end(self) -> None:
        """Finish a stretch: what is decoded next is unrelated to it."""
        raise NotImplementedError
