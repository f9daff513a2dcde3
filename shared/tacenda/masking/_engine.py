"""Finding registered values in text and bytes and replacing them, whole or streamed in chunks.

Every run of bytes that any registered value covers is replaced by one token, so that overlapping, nested
and adjoining secrets leave no tail behind. A stream gives the same output for every way of cutting it up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import overload

__all__ = ["MaskStream", "Masker"]

MIN_LENGTH = 6
"""Shorter values are not masked: too much of ordinary output would be (users.md, checklist 14). Characters."""

_Span = tuple[int, int]


class Masker:
    """Replaces registered values by a token of fixed length. Thread-safe.

    Args:
        token: what stands in for a value. Not `***`, which Metaflow's console takes for markup.
        min_length: values with fewer characters are not masked; one warning names the secret.

    Example:
        >>> masker = Masker()
        >>> masker.add("example-token", name="api-keys")
        >>> masker.mask("Bearer example-token")
        'Bearer [masked]'
    """

    def __init__(self, token: str = "[masked]", min_length: int = MIN_LENGTH) -> None:
        self._token = token.encode()
        self._min_length = min_length
        self.reset_lock()
        self._counts: dict[bytes, int] = {}
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"<Masker of {len(self._counts)} values>"

    def __len__(self) -> int:
        return len(self._counts)

    def reset_lock(self) -> None:
        """Make a fresh lock: another thread may have held it when this process was forked."""
        self._lock = threading.Lock()

    def add(self, value: str | bytes, name: str | None = None) -> None:
        """Register a value; registering it again counts, and `remove` counts back.

        Args:
            value: the secret. Empty values are never registered.
            name: the secret's name, for the warning about a value too short to mask.
        """
        pattern = _encoded(value)
        if not value:
            return
        if len(value) < self._min_length:
            self._warn_short(name or "a secret")
            return
        with self._lock:
            # A new dict, so that a scan in another thread sees the old or the new set, never half of one.
            self._counts = {**self._counts, pattern: self._counts.get(pattern, 0) + 1}

    def remove(self, value: str | bytes) -> None:
        """Take back one `add` of a value; unknown values are ignored."""
        pattern = _encoded(value)
        with self._lock:
            counts = dict(self._counts)
            left = counts.pop(pattern, 0) - 1
            self._counts = {**counts, pattern: left} if left > 0 else counts

    @overload
    def mask(self, data: str) -> str: ...
    @overload
    def mask(self, data: bytes) -> bytes: ...
    def mask(self, data: str | bytes) -> str | bytes:
        """Return text or bytes with every occurrence of a registered value replaced."""
        if not self._counts:
            return data
        text = isinstance(data, str)
        buffer = _encoded(data)
        spans = self.spans(buffer)
        if not spans:
            return data
        masked = bytearray()
        end = 0
        for start, stop in spans:
            masked += buffer[end:start] + self._token
            end = stop
        masked += buffer[end:]
        return _decoded(bytes(masked)) if text else bytes(masked)

    def stream(self) -> MaskStream:
        """Return a stream that masks bytes written in any chunking."""
        return MaskStream(self)

    def spans(self, buffer: bytes) -> list[_Span]:
        """Return the runs of bytes that registered values cover, in order, apart from each other."""
        found: list[_Span] = []
        for pattern in self._counts:
            start = buffer.find(pattern)
            while start != -1:
                found.append((start, start + len(pattern)))
                start = buffer.find(pattern, start + 1)
        return _union(found)

    @property
    def longest(self) -> int:
        """The length of the longest registered value, in bytes."""
        return max(map(len, self._counts), default=0)

    @property
    def token(self) -> bytes:
        """What stands in for a value."""
        return self._token

    def _warn_short(self, label: str) -> None:
        import logging  # costs a cold process 10 ms

        if label in self._warned:
            return
        self._warned.add(label)
        logging.getLogger("tacenda.masking").warning(
            "%s is shorter than %d characters and is not masked", label, self._min_length
        )


class MaskStream:
    """Masks a stream of bytes: `write` returns what can be passed on, `flush` the rest.

    What could still turn out to be the beginning of a value is held back, never more than the longest
    registered value. `flush` ends the stream as it stands: a value cut in two by it is not recognized.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        # How far a run whose token is already out reaches into _held; 0 is "up to its edge", None "no such run".
        self._covered: int | None = None

    def write(self, chunk: bytes) -> bytes:
        """Take more bytes and return what is decided, masked."""
        self._held += chunk
        return self._release(len(self._held) - max(self._masker.longest - 1, 0))

    def flush(self) -> bytes:
        """Return everything that was held back, masked."""
        return self._release(len(self._held))

    def _release(self, end: int) -> bytes:
        if end <= 0:
            return b""
        spans = self._masker.spans(self._held)
        if self._covered is not None:
            spans = _union([(0, self._covered), *spans])
        out = bytearray()
        position = 0
        for start, stop in spans:
            if start >= end:
                break
            out += self._held[position:start]
            if start > 0 or self._covered is None:
                out += self._masker.token
            position = stop
        out += self._held[position:end]
        self._covered = position - end if position >= end else None
        self._held = self._held[end:]
        return bytes(out)


def _encoded(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def _decoded(masked: bytes) -> str:
    try:
        return masked.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a binary value began or ended inside a character
        return masked.decode("utf-8", "replace")


def _union(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
