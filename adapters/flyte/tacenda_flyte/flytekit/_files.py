"""The local files that flytekit uploads with an output: a FlyteFile, a FlyteDirectory, or a path declared as one."""

from __future__ import annotations

import os
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tacenda_flyte._parts import fields_of, parts

__all__ = ["files_of"]


def files_of(task: Any, name: str, value: Any) -> Iterator[Path]:
    """Yield the paths of the files and directories that are uploaded with an output.

    Args:
        task: whose output it is.
        name: its name.
        value: its value as the task gives it back.
    """
    from flytekit.types.directory import FlyteDirectory
    from flytekit.types.file import FlyteFile

    declared = task.get_type_for_output_var(name, value)
    if not any(issubclass(kind, os.PathLike) or fields_of(kind) for kind in _kinds(declared)):
        return  # such as a long list of numbers
    for part, theirs in parts(value, declared, (FlyteFile, FlyteDirectory)):
        kinds = [kind for kind in (type(part), *_kinds(theirs)) if issubclass(kind, os.PathLike)]
        if kinds and isinstance(part, (str, os.PathLike)):
            path = str(getattr(part, "path", part))  # not os.fspath, which downloads a remote FlyteFile
            directories = any(issubclass(kind, FlyteDirectory) for kind in kinds)
            if os.path.isfile(path) or (directories and os.path.isdir(path)):
                yield Path(path)


def _kinds(declared: Any) -> Iterator[type]:
    """Yield the classes in a declared type, such as FlyteFile in `list[FlyteFile[...]]`."""
    if isinstance(declared, type):
        yield declared
    for inner in typing.get_args(declared):
        yield from _kinds(inner)
