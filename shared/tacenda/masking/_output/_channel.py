"""Talking to the masking helper.

Processes that share a helper inherit one control socket, over which each sends the helper connections of its own. So
a forked child registers its own secrets and never uses its parent's connections. `exec` closes the control socket.
"""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress

from tacenda.masking._output._wire import DONE, DRAIN, TARGETS, exactly, message

__all__ = ["Channel", "lifted"]

_PATIENCE = 60.0
"""A helper that has not answered after this time counts as gone. Seconds."""
_QUIETLY = getattr(socket, "MSG_NOSIGNAL", 0)
"""No SIGPIPE, so that a program which lets that signal end it can still say why it ends."""
_LOWEST = 3


def lifted(descriptor: int, *, close: bool = True) -> int:
    """Duplicate a descriptor to a number above 2: a program that closed a standard one must not get ours there.

    Args:
        descriptor: what to duplicate.
        close: whether to close it then.
    """
    high: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    if close:
        os.close(descriptor)
    return high


class Channel:
    """Requests to the helper, from any thread, from a signal handler and after a fork.

    Idle connections are kept in a list, whose `pop` and `append` are atomic. A lock would not do: a fork could copy
    it while it is held, and a signal handler could wait for it for ever.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
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
            connection.settimeout(None if kind == DRAIN else _PATIENCE)  # a slow reader is waited for
            connection.sendall(message(kind, payload), _QUIETLY)
            answer = exactly(connection, 1)
        except BaseException:  # Ctrl-C too: the next request would read this one's answer
            connection.close()
            raise
        self._idle.append(connection)
        return answer == DONE

    def targets(self, count: int) -> list[int]:
        """Return new descriptors of where the output really goes, one for each stream.

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
        """Close the idle connections: in a forked child they are the parent's."""
        self._idle, inherited = [], self._idle
        for connection in inherited:
            connection.close()

    def close(self) -> None:
        """Leave. The helper ends when all processes have left and nobody can write to it any more."""
        self.forget()
        self._control.close()

    def _take(self) -> socket.socket:
        with suppress(IndexError):
            return self._idle.pop()
        mine, theirs = (socket.socket(fileno=lifted(end.detach())) for end in socket.socketpair())
        with theirs:  # macOS may drop a descriptor that its sender closes before it is received
            try:
                mine.settimeout(_PATIENCE)
                socket.send_fds(self._control, [DONE], [theirs.fileno()], _QUIETLY)
                exactly(mine, 1)
            except BaseException:
                mine.close()
                raise
        return mine
