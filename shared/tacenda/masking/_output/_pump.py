"""Carrying one stream of output from the processes to where it goes in the end, masked. Runs in the helper."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["Pump", "Route"]

_CHUNK = 1 << 16
_HELD = 0.1
"""What may be the beginning of a value is released after so long: somebody may wait for a prompt. Seconds."""
_RESIZE = 0.2
"""A terminal's size is looked at so often: only the foreground job of a terminal is told of a change. Seconds."""
_BUFFERED = 1 << 20
"""No pipe or terminal buffers more (Linux: /proc/sys/fs/pipe-max-size). Bytes."""
_HEAVY = 1 << 24
"""After so many bytes numpy is worth its start and its memory: with it the engine is many times as fast."""


class Route(NamedTuple):
    """One stream of output, by descriptors."""

    source: int
    target: int
    group: int
    """The process group to tell when the terminal changes its size; 0 if this is no terminal."""


class _Drain:
    """Somebody waits until what was written before has arrived."""

    def __init__(self) -> None:
        self.left = _BUFFERED
        self.done = threading.Event()


class Pump(threading.Thread):
    """Masks and carries until nobody can write any more, or nobody reads any more.

    Args:
        route: from where to where.
        masker: what masks.
        numpy: the directory that holds numpy, or "" if there is none.
    """

    def __init__(self, route: Route, masker: Masker, numpy: str) -> None:
        super().__init__(daemon=True)
        self._route = route
        self._stream = masker.stream()
        self._numpy = numpy
        self._wake = os.pipe()
        self._drains: list[_Drain] = []
        self._ended = threading.Event()
        self._carried = 0

    @property
    def target(self) -> int:
        """Where the output goes in the end."""
        return self._route.target

    def drain(self) -> None:
        """Return when everything that was written to the stream before has arrived.

        A reader that does not read is waited for without a limit, as the writer itself would wait.
        """
        drain = _Drain()
        self._drains.append(drain)
        if not self._ended.is_set():
            os.write(self._wake[1], b"w")
            drain.done.wait()

    def run(self) -> None:
        """Carry. Any fault of ours ends the whole helper: nothing gets out unmasked."""
        try:
            with suppress(OSError):  # of the target: nobody reads any more, or its disk is full
                while self._step():
                    pass
                self._leave_target()
            os.close(self._route.source)  # the writers get what they would get without us: EPIPE, SIGPIPE
            self._ended.set()
            self._answer(list(self._drains))
        except BaseException:  # noqa: BLE001 - whatever it was
            os._exit(1)

    def _step(self) -> bool:
        drains = list(self._drains)  # asked for before the look at the stream that follows
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
        timeout = 0.0 if drains else _HELD if self._stream.pending else _RESIZE if self._route.group else None
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
                view = view[os.write(self.target, view) :]
            except BlockingIOError:  # somebody who shares the target made it non-blocking
                select.select([], [self.target], [])

    def _leave_target(self) -> None:
        """Nobody can write any more: do not keep a reader waiting for the end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.target)
        os.close(nowhere)

    def _answer(self, drains: list[_Drain]) -> None:
        for drain in drains:
            self._drains.remove(drain)
            drain.done.set()

    def _resize(self) -> None:
        from tacenda.masking._output._terminal import copy_size

        with suppress(OSError):  # the terminal or the group is gone
            if copy_size(self.target, self._route.source):
                os.killpg(self._route.group, signal.SIGWINCH)

    def _speed_up(self) -> None:
        sys.path.append(self._numpy)
        self._numpy = ""
        with suppress(Exception):  # an installation that does not work is none
            __import__("numpy")
