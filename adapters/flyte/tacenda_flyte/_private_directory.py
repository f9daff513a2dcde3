"""Files with values, readable by this user only and in memory where the system has such a place.

A process that is killed cannot clean up, so each directory is locked as long as its process lives, and the next
process removes what nobody holds any more.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["PrivateDirectory", "is_private"]

_MEMORY = "/dev/shm"  # noqa: S108 - never on a disk, on Linux; elsewhere the user's own temporary directory
_PREFIX = "tacenda-mounts-"
_NEW = "tacenda-new-"
"""What a directory is called until it is locked: another process would remove it as abandoned."""


class PrivateDirectory:
    """A directory of mode 0700 that is there as long as a file is in it. Not thread-safe.

    Example:
        >>> directory = PrivateDirectory()
        >>> remove = directory.put("token", b"example")
        >>> path = directory.path / "token"
        >>> path.read_bytes(), oct(path.stat().st_mode & 0o777)
        (b'example', '0o400')
        >>> remove()
        >>> path.parent.exists()
        False
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock: int | None = None
        self._owner = 0
        self._files = 0

    @property
    def path(self) -> Path:
        """The directory; it is made when it is first asked for."""
        if self._path is None or self._owner != os.getpid():  # a forked child makes its own
            parent = _MEMORY if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir()
            _remove_abandoned(Path(parent))
            made = Path(tempfile.mkdtemp(prefix=_NEW, dir=parent))
            self._lock = _locked(made)
            self._path = made.rename(made.with_name(made.name.replace(_NEW, _PREFIX, 1)))
            self._owner, self._files = os.getpid(), 0
            atexit.register(self._remove)
        return self._path

    def put(self, name: str, content: bytes) -> Callable[[], None]:
        """Write a file of mode 0400; return what removes it, and the directory after the last one.

        Args:
            name: the file's name, without directories.
            content: its exact content.
        """
        path = self.path / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        self._files += 1
        owner = self._owner

        def remove() -> None:
            if owner != os.getpid():
                return
            path.unlink(missing_ok=True)
            self._files -= 1
            if not self._files:
                atexit.unregister(self._remove)
                self._remove()

        return remove

    def _remove(self) -> None:
        if self._owner != os.getpid():  # a forked child leaves its parent's files alone
            return
        path, self._path, lock, self._lock = self._path, None, self._lock, None
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def is_private(path: str) -> bool:
    """Return whether a path is a link into such a directory, of this process or another one."""
    try:
        return os.path.basename(os.path.dirname(os.readlink(path))).startswith(_PREFIX)
    except OSError:  # no link
        return False


def _remove_abandoned(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        lock = _locked(path)
        if lock is not None:  # its process has ended
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _locked(path: Path) -> int | None:
    """Return the descriptor of a lock on a directory of this user; None if somebody has it."""
    import fcntl

    try:
        if path.stat().st_uid != os.geteuid():
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
