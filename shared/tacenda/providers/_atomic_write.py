"""Replacing a file so that nobody ever sees half of it, and nobody else sees any of it."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tacenda._errors import AccessDenied, BackendUnavailable, ConfigurationError, SecretError
from tacenda.providers._disk import file_error, file_mode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK_TIMEOUT", "locked", "remove_file", "replace_file"]

LOCK_TIMEOUT = 30.0
"""How long to wait for another process that writes the same file, in seconds."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is about to be written: `<path>.lock`, beside it, which stays.

    Raises:
        AccessDenied: if the file or its directory is read-only, for root too.
        BackendUnavailable: if somebody else holds the lock for longer than `LOCK_TIMEOUT`.
        ConfigurationError: if there is no such directory.
    """
    from filelock import FileLock, Timeout

    _refuse_read_only(path)
    lock = FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT, mode=0o600)
    failure: SecretError | None = None
    try:
        lock.acquire()
    except Timeout:
        failure = BackendUnavailable(
            f"another process has kept {path} locked for {LOCK_TIMEOUT:.0f} s",
            hint=f"see who it is with `fuser {path}.lock`",
        )
    except OSError as error:
        failure = file_error(error, f"lock {path}")
    if failure is not None:
        raise failure
    try:
        yield
    finally:
        lock.release()


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file's content: all of it or nothing, readable by its owner alone.

    The owner stays; a mode stricter than 0600 stays too. Call it under `locked`.

    Raises:
        AccessDenied: if the directory or the file's owner forbids it.
        BackendUnavailable: if the disk is full or fails; the old content is intact then.
    """
    failure: SecretError | None = None
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        _write_new(temporary, data, like=path)
        temporary.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        failure = file_error(error, f"write {path}")
    finally:  # Ctrl-C comes through here too
        temporary.unlink(missing_ok=True)
    if failure is not None:
        raise failure


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Call it under `locked`.

    Raises:
        AccessDenied, BackendUnavailable: as `replace_file`.
    """
    failure: SecretError | None = None
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        failure = file_error(error, f"remove {path}")
    if failure is not None:
        raise failure


def _write_new(path: Path, data: bytes, *, like: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with suppress(FileNotFoundError):
            _copy_access(descriptor, like.stat())
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _copy_access(descriptor: int, old: os.stat_result) -> None:
    if not hasattr(os, "geteuid"):  # Windows has no such modes
        return
    if old.st_uid != os.geteuid():  # written with sudo, say: the owner must not be locked out
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o600)


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):  # some filesystems cannot; the file itself is safe
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refuse_read_only(path: Path) -> None:
    # Root may write anything, but a missing write bit says that nobody should.
    if file_mode(path.parent) is None:
        raise ConfigurationError(
            f"cannot write {path}: there is no directory {path.parent}", hint=f"create it: `mkdir -p {path.parent}`"
        )
    for place in (path.parent, path):
        mode = file_mode(place)
        if mode is not None and not mode & stat.S_IWUSR:
            raise AccessDenied(
                f"cannot write {path}: {place} is read-only (mode {stat.S_IMODE(mode):04o})",
                hint=f"allow it with `chmod u+w {place}`, or write to another file",
            )
