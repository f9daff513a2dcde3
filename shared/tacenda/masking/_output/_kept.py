"""Descriptors that are kept for long.

A program may close them behind our back, as daemons close everything above 2, and get their numbers for files and
sockets of its own. Those must neither be told a value nor be closed.
"""

from __future__ import annotations

import errno
import fcntl
import os

__all__ = ["Identity", "Kept", "identity", "lifted"]

Identity = tuple[int, int]
"""What tells one file, pipe, socket or terminal from any other: device and inode."""
_LOWEST = 3


def identity(descriptor: int) -> Identity:
    """Return the identity of what a descriptor leads to.

    Raises:
        OSError: if it is closed.
    """
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


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


class Kept:
    """A descriptor of ours, for as long as nobody has closed it.

    Args:
        descriptor: it is taken over.
    """

    def __init__(self, descriptor: int) -> None:
        self._number = descriptor
        self._identity = identity(descriptor)

    def is_there(self) -> bool:
        """Return whether the number still is ours."""
        try:
            return identity(self._number) == self._identity
        except OSError:
            return False

    def duplicate(self) -> int:
        """Return a duplicate to use and close. It is checked, not the number: another thread may close that.

        Raises:
            OSError: EBADF if it is not ours any more.
        """
        duplicate = lifted(self._number, close=False)
        if identity(duplicate) == self._identity:
            return duplicate
        os.close(duplicate)
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def close(self) -> None:
        """Close it if it is ours."""
        if self.is_there():
            os.close(self._number)
