"""Searching files that an orchestrator is about to copy to where it keeps outputs."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["refuse_leaking_files"]


def refuse_leaking_files(root: Path, what: str) -> None:
    """Raise if a file, or a file in a directory, holds a registered secret. Files of any size take constant memory.

    Args:
        root: the file or the directory; one that is not there is for upstream to report.
        what: what a user calls the output.

    Raises:
        SecretLeak: names the output, the file and the secrets.
    """
    from tacenda.masking import refuse_leaks

    for path in _files(root):
        with path.open("rb") as file:
            # Not closed by hand: a search that fails may still hold a view of it.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            refuse_leaks(content, f"{what}, file {path.name!r},")


def _files(root: Path) -> Iterator[Path]:
    return (path for path in _below(root) if path.is_file() and path.stat().st_size)  # nothing cannot be mapped


def _below(root: Path) -> Iterator[Path]:
    """Yield a file, or what is in a directory, each directory once; through links too, for an upload follows them."""
    if not root.is_dir():
        yield root
    seen = set()
    for directory, inside, names in os.walk(root, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            inside.clear()
        else:
            seen.add(real)
            yield from (Path(directory, name) for name in names)
