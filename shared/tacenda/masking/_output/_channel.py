"""The way from the processes that share a masking helper to that helper.

Every process that inherits the door, a socket to the helper, sends a fresh connection through it: a child that was
forked registers its own secrets and never talks over its parent's connection. The door is closed by `exec`.
"""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress

from tacenda.masking._output._wire import DONE, DRAIN, TARGETS, exactly, message

__all__ = ["Channel", "lifted"]

_PATIENCE = 60.0
"""A helper that does not answer within this is as good as gone. Seconds."""
_QUIETLY = getattr(socket, "MSG_NOSIGNAL", 0)
"""A program that lets SIGPIPE end it still gets to say why."""
_LOWEST = 3


def lifted(descriptor: int, *, close: bool = True) -> int:
    """Return a new number for a descriptor, above the standard ones, which a program may have closed.

    Args:
        descriptor: the old number.
        close: whether that is closed.
    """
    high: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    if close:
        os.close(descriptor)
    return high


class Channel:
    """Requests to the helper, from any thread, from a signal handler and after a fork.

    Connections that nobody is using wait in a list, whose `pop` and `append` are atomic: there is no lock that a
    fork could catch in the wrong moment, or that a signal handler could wait for in vain.
    """

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._idle: list[socket.socket] = []

    def request(self, kind: bytes, payload: bytes = b"") -> bool:
        """Ask the helper for something, wait until it is done, and return whether it could do it.

        Args:
            kind: what to do, one of those in `_wire`.
            payload: what to do it with.

        Raises:
            OSError, EOFError: if the helper is gone, or did not answer in time.
        """
        connection = self._take()
        try:
            connection.settimeout(None if kind == DRAIN else _PATIENCE)  # readers may take as long as they like
            connection.sendall(message(kind, payload), _QUIETLY)
            answer = exactly(connection, 1)
        except BaseException:  # a Ctrl-C too: the answer would be taken for the next request's
            connection.close()
            raise
        self._idle.append(connection)
        return answer == DONE

    def targets(self, count: int) -> list[int]:
        """Return new descriptors of where the output goes in the end.

        Raises:
            OSError, EOFError: if the helper is gone.
        """
        with self._take() as connection:
            connection.sendall(message(TARGETS), _QUIETLY)
            data, descriptors, _, _ = socket.recv_fds(connection, 1, count)
        if data != DONE or len(descriptors) != count:
            raise EOFError
        return descriptors

    def forget(self) -> None:
        """In a forked child: the connections are the parent's."""
        self._idle, inherited = [], self._idle
        for connection in inherited:
            connection.close()

    def close(self) -> None:
        """Leave: the helper ends when every process has, and nobody can write to it any more."""
        self.forget()
        self._door.close()

    def _take(self) -> socket.socket:
        with suppress(IndexError):
            return self._idle.pop()
        mine, theirs = (socket.socket(fileno=lifted(end.detach())) for end in socket.socketpair())
        with theirs:  # macOS may drop a descriptor that its sender closes before it is received
            try:
                mine.settimeout(_PATIENCE)
                socket.send_fds(self._door, [DONE], [theirs.fileno()], _QUIETLY)
                exactly(mine, 1)
            except BaseException:
                mine.close()
                raise
        return mine
