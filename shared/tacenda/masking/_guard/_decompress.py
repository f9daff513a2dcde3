"""Decompressing gzip, zlib, bz2, xz and the entries of zip archives, wherever in a stream they begin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tacenda.masking._guard._decoder import Sink

__all__ = ["Decompressor"]

PIECE = 1 << 20
"""How much is decompressed at a time. Bytes."""

PROBE = 128
"""So much is tried first: most signatures turn out wrong there, and zlib copies all that it has left then. Bytes."""


def _gzip() -> Any:
    import zlib

    return zlib.decompressobj(31)


def _zlib() -> Any:
    import zlib

    return zlib.decompressobj()


def _bz2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor()


class _ZipEntry:
    """Decompresses one entry of a zip archive, header included; stored entries are readable as they are."""

    def __init__(self) -> None:
        self.eof = False
        self._header = b""
        self._deflated: Any = None

    @property
    def unconsumed_tail(self) -> bytes:
        return self._deflated.unconsumed_tail if self._deflated else b""

    def decompress(self, data: bytes | memoryview, most: int) -> bytes:
        import zlib

        if self._deflated is None:
            self._header += data
            size = 30 + int.from_bytes(self._header[26:28], "little") + int.from_bytes(self._header[28:30], "little")
            if len(self._header) < size or len(self._header) < 30:  # noqa: PLR2004 - the fixed part
                return b""
            if self._header[8:10] != b"\x08\0":  # deflate
                self.eof = True
                return b""
            data, self._header = self._header[size:], b""
            self._deflated = zlib.decompressobj(-15)
        piece: bytes = self._deflated.decompress(data, most)
        self.eof = self._deflated.eof
        return piece


class _Format(NamedTuple):
    """A format: its first byte, a pattern for its signature, the length of that in bytes, and a decompressor."""

    first: bytes
    signature: re.Pattern[bytes]
    length: int
    decompressor: Callable[[], Any]


# Searching one byte with a look-ahead is many times as fast as searching several bytes.
_FORMATS = (
    _Format(b"\x1f", re.compile(rb"\x1f(?=\x8b\x08)"), 3, _gzip),
    _Format(b"x", re.compile(rb"x(?=[\x01\x5e\x9c\xda])"), 2, _zlib),
    _Format(b"B", re.compile(rb"B(?=Zh[1-9])"), 4, _bz2),
    _Format(b"\xfd", re.compile(rb"\xfd(?=7zXZ)"), 5, _xz),
    _Format(b"P", re.compile(rb"P(?=K\x03\x04)"), 4, _ZipEntry),
)
_BEFORE = max(known.length for known in _FORMATS) - 1


class Decompressor:
    """Starts to decompress at every signature, and goes on until the data ends or turns out to be something else."""

    def __init__(self, inner: Callable[[], Sink]) -> None:
        self._inner = inner
        self._running: list[_Running] = []
        self._before = b""

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the stream."""
        self._running = [running for running in self._running if running.feed(block)]
        window = self._before + block
        for first, signature, length, decompressor in _FORMATS:
            if first not in window:
                continue
            # A signature that was complete in the block before has been seen there.
            for found in signature.finditer(window, max(len(self._before) - length + 1, 0)):
                self._start(decompressor, memoryview(window)[found.start() :])
        self._before = window[-_BEFORE:]

    def close(self) -> None:
        """Finish: the stream has ended."""
        for running in self._running:
            running.close()
        self._running = []

    def _start(self, decompressor: Callable[[], Any], data: memoryview) -> None:
        try:
            running = _Running(decompressor(), self._inner())
        except ImportError:  # a Python that was built without it
            return
        if running.feed(data[:PROBE]) and (len(data) <= PROBE or running.feed(data[PROBE:])):
            self._running.append(running)


class _Running:
    """A decompression that has begun and not ended."""

    def __init__(self, decompressor: Any, sink: Sink) -> None:
        self._decompressor = decompressor
        self._sink = sink

    def feed(self, data: bytes | memoryview) -> bool:
        """Take more bytes, and return whether there may be more to come."""
        try:
            for piece in self._pieces(data):
                self._sink.feed(piece)
        except Exception:  # noqa: BLE001 - each module has errors of its own: damaged data, or another format
            done = True
        else:
            done = self._decompressor.eof
        if done:
            self.close()
        return not done

    def close(self) -> None:
        """Finish: there is no more data."""
        self._sink.close()

    def _pieces(self, data: bytes | memoryview) -> Iterator[bytes]:
        while piece := self._decompressor.decompress(data, PIECE):
            yield piece
            if self._decompressor.eof:
                return
            data = getattr(self._decompressor, "unconsumed_tail", b"")  # bz2 and lzma keep it themselves
