"""The directory in which a process keeps its secret files: in memory where the system has such a place.

It goes when the process, and all that were forked from it, have ended. A process that ends by itself removes it; for
one that is killed the reaper does; and what is left because that was killed as well, as happens to a whole container,
the next process removes that has a directory there: each is locked as long as it is used.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import threading
import warnings
from contextlib import suppress

__all__ = ["is_in_secret_directory", "private_directory", "secret_directory"]

_MEMORY = "/dev/shm"  # noqa: S108 - never on a disk, on Linux
_PREFIX = "tacenda-files-"
_NEW = "tacenda-new-"
"""What a directory is called until it is locked: another process would remove it as left behind."""


class _Ours:
    """The directory of this process, and the descriptors that stand for its being used."""

    path = ""
    owner = (0, 0)
    """The process that made it, and the user who it was then."""
    shared = False
    """Whether processes forked from this one may use it, too."""
    alive: int | None = None
    lock: int | None = None


_GUARD = threading.RLock()  # a signal's handler may make a file, too


def secret_directory() -> str:
    """Return this process's directory, of mode 0700; it is made when it is first asked for, or was removed.

    It is in /dev/shm if that is memory (tmpfs) and may be written to; else, as on macOS and Windows, in the directory
    for temporary files, which may be on a disk.

    Raises:
        OSError: if none can be made.
    """
    with _GUARD:
        if _Ours.owner != _me() or not os.path.isdir(_Ours.path):
            _make()
        return _Ours.path


def private_directory(parent: str, prefix: str = "") -> str:
    """Make a directory of mode 0700, whatever the umask is, with a name that nobody can know beforehand.

    Raises:
        OSError: if it cannot be made.
    """
    import tempfile

    path = tempfile.mkdtemp(prefix=prefix, dir=parent)
    os.chmod(path, stat.S_IRWXU)
    return path


def is_in_secret_directory(path: str) -> bool:
    """Return whether a path is of a file in such a directory, of this process or another one. Nothing is looked up."""
    return any(part.startswith(_PREFIX) for part in path.split(os.sep)[:-1])


def _make() -> None:
    parent = _MEMORY if _is_memory(_MEMORY) else _temporary()
    _remove_left_behind(parent)
    new, lock = private_directory(parent, _NEW), None
    path = os.path.join(parent, _PREFIX + os.path.basename(new)[len(_NEW) :])
    try:
        # The descriptors of a directory that was lost are not closed: by now their numbers may be somebody else's.
        lock = _opened(new)
        _lock(lock)
        os.rename(new, path)
        alive = _watched(path)
    except BaseException:  # also a @timeout, while the reaper starts: nothing is kept where nobody watches
        for directory in (new, path):
            with suppress(OSError):
                os.rmdir(directory)
        if lock is not None:
            os.close(lock)
        raise
    if _Ours.owner != _me():
        atexit.register(_finish)
    _Ours.path, _Ours.shared, _Ours.lock, _Ours.alive, _Ours.owner = path, False, lock, alive, _me()


def _me() -> tuple[int, int]:
    return os.getpid(), os.geteuid() if hasattr(os, "geteuid") else 0


def _temporary() -> str:
    import tempfile

    return os.path.abspath(tempfile.gettempdir())


def _watched(path: str) -> int | None:
    if not hasattr(os, "fork"):
        return None  # Windows: there, what a killed process leaves behind stays
    from tacenda._reaper import watch

    try:
        return watch(path)
    except TimeoutError:  # from a signal's handler
        raise
    except (OSError, RuntimeError) as error:  # as in an interpreter that may start no processes
        warnings.warn(
            f"tacenda: no process could be started that removes secret files if this one is killed ({error}); "
            f"they are in {path}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None


def _is_memory(path: str) -> bool:
    """Return whether a directory is in memory and this user may write to it."""
    kinds = {}
    with suppress(OSError), open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split(" ")
            kinds[where] = kind  # the last one is on top
    place = os.path.realpath(path)
    while place not in kinds and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return kinds.get(place) == "tmpfs" and os.access(path, os.W_OK | os.X_OK)


def _remove_left_behind(parent: str) -> None:
    names: list[str] = []
    with suppress(OSError):  # nobody may list it
        names = os.listdir(parent)
    for name in names:
        if name.startswith(_PREFIX):
            with suppress(OSError):  # it is somebody else's, or no directory, or just being removed
                _remove_unused(os.path.join(parent, name))


def _remove_unused(path: str) -> None:
    descriptor = _opened(path)
    if descriptor is not None:
        try:
            if os.fstat(descriptor).st_uid == os.geteuid() and _lock(descriptor):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(descriptor)


def _opened(path: str) -> int | None:
    """Return a descriptor of a directory, which can be locked; None on Windows, which has none."""
    if not hasattr(os, "O_DIRECTORY"):
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _lock(descriptor: int | None) -> bool:
    """Lock a directory until all copies of the descriptor are closed; return whether nobody else had locked it."""
    if descriptor is None:
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # or this file system has no locks, for anybody
        return False
    return True


def _finish() -> None:
    # Forked processes may still read what is there: then the reaper, which knows when they have ended, removes it.
    if _Ours.owner == _me() and not (_Ours.shared and _Ours.alive is not None):
        shutil.rmtree(_Ours.path, ignore_errors=True)


def _forked() -> None:
    _Ours.shared = True


def _in_child() -> None:
    global _GUARD  # noqa: PLW0603 - a thread of the parent may have held it
    _GUARD = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_forked, after_in_child=_in_child)
