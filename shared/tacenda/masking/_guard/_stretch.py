"""Finding the stretches of a stream that may be encoded: what the decoders of the guard share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Sink", "Stretch"]

BEFORE = 4096
"""So much before the first sign of an encoding belongs to the stretch. Bytes."""


class Sink(Protocol):
    """What takes a stream: a scanner, or a decoder before it."""

    def feed(self, data: bytes, /) -> None:
        """Take the next bytes of the stream."""

    def close(self) -> None:
        """Finish: the stream has ended."""


class Stretch:
    """Decodes from a little before the first block with signs of an encoding to the block after the last."""

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
        """Return whether some of this may be encoded."""
        raise NotImplementedError

    def decode(self, data: bytes) -> None:
        """Take the next bytes of a stretch."""
        raise NotImplementedError

    def end(self) -> None:
        """Finish a stretch: the next one is another stream."""
        raise NotImplementedError
