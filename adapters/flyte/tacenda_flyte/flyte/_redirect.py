"""Python's own file functions, taught that some paths are elsewhere: a mount for users who cannot mount.

Only what goes through these functions is redirected: `open`, `pathlib`, `os.path`, and what uses them. Programs that
are started, and libraries that open files in C, see the real file system.
"""

from __future__ import annotations

import builtins
import io
import os
import pathlib
from collections.abc import Callable
from typing import Any

__all__ = ["Redirect"]


class Redirect:
    """Which paths are elsewhere. The functions are replaced as long as there is one. Not thread-safe.

    Example:
        >>> import tempfile, pathlib
        >>> there = pathlib.Path(tempfile.mkdtemp(), "token")
        >>> _ = there.write_text("example")
        >>> redirect = Redirect("/nowhere")
        >>> remove = redirect.add("token", str(there))
        >>> pathlib.Path("/nowhere/token").read_text(), os.listdir("/nowhere")
        ('example', ['token'])
        >>> remove()
        >>> os.path.exists("/nowhere/token")
        False
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._targets: dict[str, str] = {}

    def add(self, name: str, target: str) -> Callable[[], None]:
        """Redirect a path, and its directory where there really is none; return what undoes it.

        Args:
            name: the name in the directory.
            target: the file's real path.
        """
        if not self._targets:
            self._install()
        path = f"{self._directory}/{name}"
        self._targets[path] = target
        directory = os.path.dirname(target)
        if not os.path.isdir(self._directory):
            self._targets[self._directory] = directory

        def remove() -> None:
            self._targets.pop(path, None)
            if set(self._targets) <= {self._directory}:
                self._targets.clear()
                self._uninstall()

        return remove

    def where(self, path: Any) -> Any:
        """Return where a path really is; it may be text, bytes, a path object or a descriptor."""
        try:
            text = os.fspath(path)
        except TypeError:
            return path
        if isinstance(text, bytes):
            target = self._targets.get(os.fsdecode(text))
            return path if target is None else os.fsencode(target)
        return self._targets.get(text.rstrip("/"), path)

    def _install(self) -> None:
        for owner, name in _functions():
            setattr(owner, name, _Redirected(getattr(owner, name), self))

    def _uninstall(self) -> None:
        for owner, name in _functions():
            function = getattr(owner, name)
            if isinstance(function, _Redirected):  # else somebody has wrapped ours, which then redirects nothing
                setattr(owner, name, function.__wrapped__)


class _Redirected:
    """A file function that knows of the redirected paths.

    No Python function: kept in a class it must not become a method, as a builtin does not. Equal to what it replaces,
    so that `os.stat in os.supports_dir_fd` stays true.
    """

    def __init__(self, original: Any, redirect: Redirect) -> None:
        self.__wrapped__ = original
        self._redirect = redirect

    def __call__(self, *args: Any, **options: Any) -> Any:
        if args:
            return self.__wrapped__(self._redirect.where(args[0]), *args[1:], **options)
        for name in ("path", "file"):
            if name in options:
                options[name] = self._redirect.where(options[name])
        return self.__wrapped__(**options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __eq__(self, other: object) -> bool:
        return other is self or other == self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def _functions() -> list[tuple[Any, str]]:
    named = [(os, name) for name in ("open", "stat", "lstat", "access", "listdir", "scandir")]
    found: list[tuple[Any, str]] = [(builtins, "open"), (io, "open"), *named]
    accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10 keeps the functions in a class of its own
    if accessor is not None:
        found += [(accessor, name) for name in ("open", "stat", "listdir", "scandir") if hasattr(accessor, name)]
    return found
