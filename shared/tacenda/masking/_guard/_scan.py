"""Searching a stream of bytes for secrets, also in what is compressed, encoded or escaped in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._guard._base64_hex import base64_and_hex
from tacenda.masking._guard._decompress import Decompressor
from tacenda.masking._guard._pickled_bytes import PickledBytes
from tacenda.masking._guard._unescape import Unescaper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tacenda.masking._engine import Masker
    from tacenda.masking._guard._decoder import Sink

__all__ = ["Scanner"]

BLOCK = 1 << 20
"""How much is searched at a time. Bytes."""

DEPTH = 4
"""How many layers are undone, for instance gzip in base64 in JSON in HTML."""


class Scanner:
    """Collects the names of the secrets that a stream holds, in constant memory.

    Attributes:
        found: the names so far.
    """

    def __init__(self, masker: Masker, found: set[str] | None = None, depth: int = DEPTH) -> None:
        self.found: set[str] = set() if found is None else found
        self._masker = masker
        self._depth = depth
        self._tail = b""  # a value may begin in it and end in the next block
        self._decoders: Sequence[Sink] | None = None  # made when they are needed: most scanners get a few bytes

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes, as many as there are."""
        view = memoryview(data)
        for start in range(0, len(view), BLOCK):
            self._look_at(bytes(view[start : start + BLOCK]))

    def close(self) -> None:
        """Finish: the stream has ended."""
        for decoder in self._decoders or ():
            decoder.close()

    def inner(self) -> Scanner:
        """Return a scanner for what is encoded in this stream."""
        return Scanner(self._masker, self.found, self._depth - 1)

    def _look_at(self, block: bytes) -> None:
        window = self._tail + block
        self.found.update(self._masker.names(window))
        self._tail = window[max(len(window) - self._masker.longest + 1, 0) :]
        if self._decoders is None:
            kinds = (Decompressor, Unescaper, base64_and_hex, PickledBytes) if self._depth else ()
            self._decoders = [kind(self.inner) for kind in kinds]
        for decoder in self._decoders:
            decoder.feed(block)
