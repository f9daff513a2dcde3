"""A secret as a file, for libraries that take nothing but a path."""

from __future__ import annotations

import errno
import os
import shutil
from typing import Any

from tacenda._errors import InvalidReference, SecretError
from tacenda._secret_directory import private_directory, secret_directory

__all__ = ["SecretFile", "write_secret_file"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SecretFile(str):
    """The path of a file that holds a secret: a `str`, for as long as the process lives or until the `with` ends.

    The file has mode 0600 in a directory of mode 0700, in memory (/dev/shm) where the system has that, else in the
    directory for temporary files. It is removed at the end of a `with`, by `remove()`, and when the process has
    ended, even if it was killed; processes forked from it keep it until they have ended. Programs that it starts
    can read it, too, but not after the process has ended. On Windows a killed process leaves its files behind, until
    they are removed by hand.

    Pickling one pickles the path, not the file.

    Example:
        >>> from tacenda import Secret
        >>> with Secret("example-key").as_file("key.txt") as path, open(path) as file:
        ...     file.read(), os.path.basename(path)
        ('example-key', 'key.txt')
        >>> os.path.exists(path)
        False
    """

    __slots__ = ("_owner",)
    _owner: int

    def __new__(cls, path: str) -> SecretFile:
        """Take over the file at a path, with the directory that it is in."""
        self = super().__new__(cls, path)
        self._owner = os.getpid()
        return self

    def remove(self) -> None:
        """Remove the file. In a forked process nothing happens: it belongs to the process that made it."""
        if self._owner == os.getpid():
            shutil.rmtree(os.path.dirname(self), ignore_errors=True)

    close = remove
    """So that `contextlib.closing` and exit stacks can end it, too."""

    def __enter__(self) -> SecretFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return str, (str(self),)

    def __copy__(self) -> SecretFile:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SecretFile:
        return self


def write_secret_file(content: bytes, name: str) -> SecretFile:
    """Write a private file.

    Args:
        content: its exact content; a `SecretBytes`, so that no traceback with local variables shows it.
        name: the file's own name, without directories.

    Raises:
        InvalidReference: if the name is no file name.
        SecretError: if the file cannot be written: there is no space left, or no place to write to.
    """
    if not _is_file_name(name):
        raise InvalidReference(f"{name!r} is no file name", hint="give the name alone, such as key.json")
    where = "a private directory"
    try:
        directory = private_directory(where := secret_directory())
        try:
            _write(os.path.join(directory, name), content)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return SecretFile(os.path.join(directory, name))
    except TimeoutError:  # from a signal's handler, not about the file
        raise
    except OSError as error:
        problem, is_full = error.strerror or str(error), error.errno in _FULL
    hint = "make room there (docker run --shm-size, an emptyDir of medium Memory), or pass the value itself"
    raise SecretError(
        f"cannot write a secret to a file in {where}: {problem}", hint=hint if is_full else "pass the value itself"
    )


def _is_file_name(name: object) -> bool:
    if not isinstance(name, str) or name in {"", ".", ".."} or {"/", "\\", "\0"} & set(name):
        return False
    try:
        return bool(os.fsencode(name))
    except UnicodeEncodeError:
        return False


def _write(path: str, content: bytes) -> None:
    # Nobody else can be in this directory; the flags hold even if its mode were not honoured.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.chmod(path, 0o600)  # whatever the umask is
        file.write(content)
