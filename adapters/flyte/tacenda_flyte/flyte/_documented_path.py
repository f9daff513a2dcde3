"""The documented path of a mounted secret, `/etc/flyte/secrets/<key>`, as a link where this user may make one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tacenda.errors import Conflict

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["link"]

_MADE: list[Path] = []
"""The directories that were missing, the outermost first: they go when nothing is in them any more."""


def link(path: Path, target: Path) -> Callable[[], None]:
    """Have a path lead to a private file, for programs that know only the path.

    Args:
        path: the documented path; directories that are missing are made, and removed again.
        target: the private file.

    Returns:
        What removes it again: nothing, if this user may not write there or another process has the same there.

    Raises:
        Conflict: if another process has another content there.
    """
    try:
        _make_directories(path.parent)
        if _is_free(path, target):
            path.symlink_to(target)
    except OSError:
        pass

    owner = os.getpid()

    def remove() -> None:
        if owner != os.getpid():  # a forked child that ends leaves the link to its parent
            return
        with contextlib.suppress(OSError):
            if path.is_symlink() and path.readlink() == target:
                path.unlink()
        _remove_directories()

    return remove


def _is_free(path: Path, target: Path) -> bool:
    """Remove a link that leads nowhere, left by a process that was killed; return whether the path is free."""
    if not os.path.lexists(path):
        return True
    if path.is_symlink() and not path.exists():
        path.unlink()
        return True
    if path.read_bytes() != target.read_bytes():
        raise Conflict(
            f"{path} has another content by another process, and programs would read that",
            hint="wait until the other run has ended, or run in a container",
        )
    return False


def _make_directories(directory: Path) -> None:
    if not directory.exists():
        _make_directories(directory.parent)
        directory.mkdir(mode=0o755)
        _MADE.append(directory)


def _remove_directories() -> None:
    with contextlib.suppress(OSError):  # something is in it
        while _MADE:
            _MADE[-1].rmdir()
            _MADE.pop()
