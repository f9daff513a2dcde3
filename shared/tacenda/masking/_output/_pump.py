"""Carrying one stream of output, masked, from the processes to where it really goes. Runs in the helper."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._stream import HELD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking._engine import Masker

__all__ = ["Pump", "Route"]

_CHUNK = 1 << 16
_RESIZE = 0.2
"""How often the size of the terminal is read: the helper is in another session and gets no SIGWINCH. Seconds."""
_BUFFERED = 1 << 20
"""No pipe or terminal buffers more (Linux: /proc/sys/fs/pipe-max-size). Bytes."""
_HEAVY = 1 << 23
"""From so many bytes on numpy is worth its start and its memory: it makes the engine many times as fast. Bytes."""


class Route(NamedTuple):
    """One stream of output, by descriptors."""

    source: int
    target: int
    group: int
    """The process group that gets SIGWINCH when the terminal changes its size; 0 if this is no terminal."""


class _Drain:
    """A request to be told when what was written before has arrived."""

    def __init__(self) -> None:
        self.left = _BUFFERED
        self.done = threading.Event()


class Pump(threading.Thread):
    """Masks and carries until nobody can write, or nobody reads, any more.

    Args:
        route: from where to where.
        masker: what masks.
        numpy: the directory that holds numpy, or "" if there is none.
        before_end: called when everything has been carried, before the target is closed.
    """

    def __init__(self, route: Route, masker: Masker, numpy: str, before_end: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._route = route
        self._before_end = before_end
        self._stream = masker.stream()
        self._numpy = numpy
        self._wake = os.pipe()
        self._drains: list[_Drain] = []
        self._ended = threading.Event()
        self._guard = threading.Lock()  # of descriptors that other threads use: their numbers are closed in the end
        self._carried = 0
        self.left = False
        """Whether the output has ended, and the target is closed so that its reader sees the end."""

    def target(self) -> int:
        """Return a new descriptor of where the output really goes.

        Raises:
            OSError: if that is closed.
        """
        with self._guard:
            if self.left:
                raise OSError("the output has ended")
            return os.dup(self._route.target)

    def drain(self, limit: float | None = None) -> None:
        """Wait until everything that was written to the stream before has arrived.

        Args:
            limit: longest wait, in seconds. None if there is none: without masking, a writer would wait for a slow
                reader too.
        """
        drain = _Drain()
        self._drains.append(drain)
        with self._guard:
            if self._ended.is_set():
                return
            os.write(self._wake[1], b"w")
        drain.done.wait(limit)

    def run(self) -> None:
        """Carry to the end. Any fault of ours ends the whole helper, so that nothing gets out unmasked."""
        carried = False
        try:
            with suppress(OSError):  # of the target: nobody reads any more, or its disk is full
                while self._step():
                    pass
                carried = True
            os.close(self._route.source)  # writers get EPIPE or SIGPIPE, as they would without masking
            with self._guard:
                self._ended.set()
                for end in self._wake:
                    os.close(end)
            self._answer(list(self._drains))
            if carried:
                self._before_end()
                self._leave()
        except BaseException:  # noqa: BLE001 - whatever it was
            os._exit(1)

    def _step(self) -> bool:
        drains = list(self._drains)  # those that came before the read that follows
        if not self._readable(drains):
            self._write(self._stream.pause())
            self._answer(drains)
            return True
        chunk = self._read()
        self._write(self._stream.write(chunk) if chunk else self._stream.flush())
        for drain in drains:
            drain.left -= len(chunk)
        self._answer([drain for drain in drains if drain.left <= 0])
        self._carried += len(chunk)
        if self._carried > _HEAVY and self._numpy:
            self._speed_up()
        return bool(chunk)

    def _readable(self, drains: list[_Drain]) -> bool:
        """Wait for output; return False when it pauses."""
        timeout = 0.0 if drains else HELD if self._stream.pending else _RESIZE if self._route.group else None
        ready, _, _ = select.select([self._route.source, self._wake[0]], [], [], timeout)
        if self._wake[0] in ready:
            os.read(self._wake[0], _CHUNK)
        if self._route.group:
            self._resize()
        return self._route.source in ready

    def _read(self) -> bytes:
        try:
            return os.read(self._route.source, _CHUNK)
        except OSError:  # how a pseudo-terminal says that it is closed
            return b""

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._route.target, view) :]
            except BlockingIOError:  # somebody who shares the target made it non-blocking
                select.select([], [self._route.target], [])

    def _leave(self) -> None:
        with self._guard:
            self.left = True
            os.close(self._route.target)

    def _answer(self, drains: list[_Drain]) -> None:
        for drain in drains:
            self._drains.remove(drain)
            drain.done.set()

    def _resize(self) -> None:
        from tacenda.masking._output._terminal import copy_size

        with suppress(OSError):  # the terminal or the group is gone
            if copy_size(self._route.target, self._route.source):
                os.killpg(self._route.group, signal.SIGWINCH)

    def _speed_up(self) -> None:
        sys.path.append(self._numpy)
        self._numpy = ""
        with suppress(Exception):  # a numpy that cannot be imported is not used
            __import__("numpy")
