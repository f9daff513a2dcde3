"""Files with values, readable by this user only, in memory where the system has such a place; see `SecretFile`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tacenda._secret_directory import is_in_secret_directory, private_directory, secret_directory

__all__ = ["PrivateDirectory", "is_private"]


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
        self._owner = 0
        self._files = 0

    @property
    def path(self) -> Path:
        """The directory; it is made when it is first asked for."""
        if self._path is None or self._owner != os.getpid():  # a forked child makes its own
            self._path = Path(private_directory(secret_directory()))
            self._owner, self._files = os.getpid(), 0
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
            if owner != os.getpid():  # a forked child leaves its parent's files alone
                return
            path.unlink(missing_ok=True)
            self._files -= 1
            if not self._files:
                shutil.rmtree(path.parent, ignore_errors=True)
                self._path = None

        return remove


def is_private(path: str) -> bool:
    """Return whether a path is a link into such a directory, of this process or another one."""
    try:
        return is_in_secret_directory(os.readlink(path))
    except OSError:  # no link
        return False
