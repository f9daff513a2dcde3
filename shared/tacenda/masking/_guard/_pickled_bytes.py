"""Decoding the bytes that old pickle protocols write as text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking._guard._decoder import Sink

__all__ = ["PickledBytes"]

_SIGN = b"_codecs"
"""The module of the function that such a pickle calls to decode the text; its name stands before the first one."""


class PickledBytes:
    """Pickle protocols 0 to 2 cannot write bytes: they write text with one character for each byte."""

    def __init__(self, inner: Callable[[], Sink]) -> None:
        self._inner = inner
        self._sink: Sink | None = None
        self._characters = codecs.getincrementaldecoder("utf-8")("ignore")
        self._before = b""

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._sink is None:
            block = self._before + block
            self._before = block[-len(_SIGN) + 1 :]
            if _SIGN not in block:
                return
            self._sink = self._inner()
        self._sink.feed(self._characters.decode(block).encode("latin-1", "ignore"))

    def close(self) -> None:
        """Finish: the stream has ended."""
        if self._sink:
            self._sink.close()
