"""Talking to the masking helper.

Processes that share a helper inherit one control socket. Over it each request sends the helper a connection of its
own, so that threads, forked children and signal handlers never get each other's answers. `exec` closes the control
socket.
"""

from __future__ import annotations

import select
import socket
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tacenda.masking._output._kept import Kept, lifted
from tacenda.masking._output._wire import DONE, PATIENCE, TARGET, exactly, message

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Channel", "connected"]

_QUIETLY = getattr(socket, "MSG_NOSIGNAL", 0)
"""No SIGPIPE, so that a program which lets that signal end it can still say why it ends."""


def connected() -> tuple[socket.socket, socket.socket]:
    """Return two sockets that are connected with each other, both with numbers above 2."""
    first, second = socket.socketpair()
    return socket.socket(fileno=lifted(first.detach())), socket.socket(fileno=lifted(second.detach()))


class Channel:
    """Requests to the helper.

    Args:
        control: this end of the control socket.
    """

    def __init__(self, control: Kept) -> None:
        self._control = control
        self.close = control.close
        """Leaves. The helper ends when all processes have left and nobody can write to it any more."""
        self.is_there = control.is_there
        """Returns whether the control socket is still ours."""

    def request(
        self, kind: bytes, payload: bytes = b"", carried: tuple[int, ...] = (), patience: float | None = PATIENCE
    ) -> bool:
        """Ask the helper for something, wait until it is done, and return whether it could do it.

        Args:
            kind: what to do, one of those in `_wire`.
            payload: what to do it with.
            carried: descriptors to do it with.
            patience: how long to wait for the answer, in seconds; None means for ever.

        Raises:
            EOFError: if the helper is gone.
            OSError: if it cannot be asked, or does not answer in time (TimeoutError).
        """
        with self._asked(kind, payload, carried, patience) as connection:
            return exactly(connection, 1) == DONE

    def target(self, route: bytes) -> int:
        """Return a new descriptor of where a route's output really goes.

        Raises:
            EOFError, OSError: as in `request`, or if that route has ended.
        """
        with self._asked(TARGET, route, (), PATIENCE) as connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
        if not descriptors:
            raise EOFError
        return descriptors[0]

    @contextmanager
    def _asked(
        self, kind: bytes, payload: bytes, carried: tuple[int, ...], patience: float | None
    ) -> Iterator[socket.socket]:
        """Send a request; the connection has the answer then."""
        with socket.socket(fileno=self._control.duplicate()) as control:
            mine, theirs = connected()
            with mine, theirs:  # macOS may drop a descriptor that its sender closes before it is received
                try:
                    _send(control, theirs.fileno(), *carried)
                except ConnectionError:
                    raise EOFError from None
                mine.settimeout(patience)
                mine.sendall(message(kind, payload), _QUIETLY)
                _wait(mine, control, patience)
                yield mine


def _send(control: socket.socket, *descriptors: int) -> None:
    """Send descriptors. `socket.send_fds` would leave out the flags."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
    control.sendmsg([DONE], [rights], _QUIETLY)


def _wait(connection: socket.socket, control: socket.socket, patience: float | None) -> None:
    """Wait for an answer. The helper says nothing over the control socket, so that can only tell of its end."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    waiting.register(control, select.POLLIN)
    ready = [descriptor for descriptor, _ in waiting.poll(None if patience is None else patience * 1000)]
    if connection.fileno() in ready:
        return
    if ready:
        raise EOFError
    raise TimeoutError(f"it has not answered for {patience:.0f} s")
