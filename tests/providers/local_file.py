"""Reading and writing one local file, as the tests of the provider `local` do it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from tacenda.providers.local import LocalProvider

VALUE = "example-do-not-show"
FORMATS = ["s.json", "s.yaml", "s.env"]


def provider(base: Path, path: str | None = "s.json", **settings: str) -> LocalProvider:
    """Return the provider with this `path`; None leaves it to the default."""
    return LocalProvider({**settings, **({} if path is None else {"path": path})}, base)


def read(base: Path, path: str = "s.json") -> Any:
    """Return all names of a file and their values."""
    return provider(base, path).read(path).value


def change(base: Path, path: str = "s.json", /, **values: Any) -> None:
    """Write names and values into a file, as `store.set` does."""
    provider(base, path).modify(path, lambda old: {**(old.value if old else {}), **values})  # type: ignore[dict-item]


def mode(file: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(file.stat().st_mode)


def left_over(base: Path, path: str = "s.json") -> list[str]:
    """Return what a write left behind beside the file and its lock."""
    return sorted(file.name for file in base.iterdir() if file.name not in (path, f"{path}.lock", "home"))
