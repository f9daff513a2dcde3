"""Mounted secrets: a private file each, and the documented path, which leads there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tacenda_flyte._environment import put_variable
from tacenda_flyte._private_directory import PrivateDirectory, is_private
from tacenda_flyte.flyte._documented_path import link
from tacenda_flyte.flyte._redirect import Redirect

__all__ = ["DEFAULT_DIR", "MOUNT", "put_default_dir", "put_file", "read_mounted"]

MOUNT = Path("/etc/flyte/secrets")
"""Where flyte mounts secrets; the only path that it takes."""

DEFAULT_DIR = "FLYTE_SECRETS_DEFAULT_DIR"
"""The variable in which a cluster, too, tells where mounted secrets are."""

_DIRECTORY = PrivateDirectory()
_REDIRECT = Redirect(str(MOUNT))


def put_file(name: str, content: bytes) -> Callable[[], None]:
    """Mount a file: at the documented path for this process's Python code, and for all where this user may.

    Args:
        name: the file's name, without directories.
        content: its exact content.

    Returns:
        What takes it away again.

    Raises:
        tacenda.errors.Conflict: if another process has something else at the documented path.
    """
    undo = ExitStack()
    try:
        undo.callback(_DIRECTORY.put(name, content))
        file = _DIRECTORY.path / name
        undo.callback(link(MOUNT / name, file))
        undo.callback(_REDIRECT.add(name, str(file)))
    except BaseException:
        undo.close()
        raise
    return undo.close


def put_default_dir() -> Callable[[], None]:
    """Tell in `FLYTE_SECRETS_DEFAULT_DIR` where the mounted files really are; return what restores the variable."""
    return put_variable(DEFAULT_DIR, str(_DIRECTORY.path))


def read_mounted(path: str) -> bytes | None:
    """Return the content of a file that somebody else has mounted; None if there is none, or if it is tacenda's.

    Raises:
        OSError: if it cannot be read.
    """
    if _REDIRECT.where(path) is not path or is_private(path):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
