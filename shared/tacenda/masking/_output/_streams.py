"""Masking what Python code writes to `sys.stdout` and `sys.stderr` where descriptors cannot be masked.

That is the case on Windows, and for streams that lead elsewhere: a notebook's cell, a test's capture. Only the methods
of the stream are replaced, not the object, so that whoever holds it, such as a logging handler, is masked too.
"""

from __future__ import annotations

import codecs
import io
import os
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from tacenda.masking._stream import HELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tacenda.masking._engine import Masker

__all__ = ["MaskedStream", "leads_to_descriptor", "wrap"]


def leads_to_descriptor(stream: IO[Any] | None) -> bool:
    """Return whether all that a stream gets ends up on descriptor 1 or 2, and no file of the program's own is there."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not isinstance(raw, io.FileIO) or raw.closed or raw.fileno() not in (1, 2):
        return False
    try:
        return os.get_inheritable(raw.fileno())
    except OSError:  # somebody has closed it: what is opened there next is not known yet
        return True


def wrap(stream: IO[Any] | None, masker: Masker) -> list[MaskedStream]:
    """Mask a stream and the buffer beneath it, if it has one.

    Returns:
        What can be taken off again: nothing if there is no stream, or it is masked already or cannot be masked.
    """
    layers: list[MaskedStream] = []
    for layer in (stream, getattr(stream, "buffer", None)):
        if layer is not None and not isinstance(getattr(layer.write, "__self__", None), MaskedStream):
            with suppress(AttributeError, TypeError):
                layers.append(MaskedStream(layer, masker))
    return layers


class MaskedStream:
    """Stands in for the `write`, `writelines` and `flush` of one stream of text or bytes.

    Raises:
        AttributeError, TypeError: if the stream does not let them be replaced.
    """

    def __init__(self, stream: IO[Any], masker: Masker) -> None:
        self._stream = stream
        self._write: Callable[[Any], object] = stream.write
        self._flush: Callable[[], object] = stream.flush
        self._mask = masker.stream()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        self._text = not isinstance(stream, (io.BufferedIOBase, io.RawIOBase))
        self._timer: threading.Timer | None = None
        self.reset_lock()
        for name in ("write", "writelines", "flush"):
            setattr(stream, name, getattr(self, name))

    def reset_lock(self) -> None:
        """Make a fresh lock: another thread may have held it when this process was forked."""
        self._lock = threading.RLock()
        self._timer = None

    def write(self, data: Any) -> int:
        """Write text or bytes, masked, and return the length of what was given."""
        if isinstance(data, str) != self._text:
            self._write(data)  # raises what it always raises
        encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
        with self._lock:
            self._pass_on(self._mask.write(encoded))
            if self._mask.pending and self._timer is None:
                self._timer = threading.Timer(HELD, self._release)
                self._timer.daemon = True
                self._timer.start()
        return len(data)

    def writelines(self, lines: Iterable[Any]) -> None:
        """Write several, masked."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what can be passed on: somebody asked to see a prompt."""
        with self._lock:
            self._pass_on(self._mask.pause())
            self._flush()

    def restore(self) -> None:
        """Take the masking off again."""
        with self._lock, suppress(ValueError, OSError):  # the stream is closed
            if self._timer:
                self._timer.cancel()
            self._pass_on(self._mask.flush())
            self._flush()
        for name in ("write", "writelines", "flush"):
            if getattr(vars(self._stream).get(name), "__self__", None) is self:
                delattr(self._stream, name)

    def _release(self) -> None:
        with self._lock, suppress(ValueError, OSError):  # the stream is closed
            self._timer = None
            self._pass_on(self._mask.pause())

    def _pass_on(self, masked: bytes) -> None:
        if masked:
            self._write(self._decoded(masked) if self._text else masked)

    def _decoded(self, masked: bytes) -> str:
        try:
            return self._decoder.decode(masked)
        except UnicodeDecodeError:  # a binary value began or ended inside a character
            self._decoder.reset()
            return masked.decode("utf-8", "replace")
