"""What this step was told where the flow was deployed from: the files in its code package, and what they change here.

They are beside the packages `tacenda` and `metaflow_extensions`. The stack becomes `TACENDA_CONFIG`, unless that is
set, so that everything in the container asks it: `@secrets`, the step's own `tacenda.get`, and programs that it starts.
The settings become Metaflow's where the container has none of its own: Batch forwards no prefix, and nobody forwards
the role.

This module is imported with Metaflow's configuration: the standard library only.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

__all__ = ["FOLDER", "SETTINGS", "STACK", "carried", "use_carried_stack", "was_found"]

FOLDER = "tacenda_snapshot"
"""The directory in the code package."""
STACK = "stack.json"
"""The stack, as `TACENDA_CONFIG` takes it; not there where nobody has configured tacenda."""
SETTINGS = "metaflow.json"
"""Metaflow's secrets settings, whether the stack was chosen or found, and variables of tacenda's."""

_HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * __name__.count(".")))
"""The directory that holds `metaflow_extensions`."""


@cache
def carried() -> dict[str, Any] | None:
    """Return the content of `SETTINGS` of the code package that this process was started from; None if there is none.

    A code package that somebody has unpacked by hand counts for nothing: only Metaflow's own steps are told so.
    """
    if not (os.environ.get("METAFLOW_EXTRACTED_ROOT") or os.environ.get("METAFLOW_RUNTIME_ENVIRONMENT")):
        return None
    try:
        with open(_path(SETTINGS), encoding="utf-8") as file:
            content: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return content


def was_found(path: str) -> bool:
    """Return whether a file is the carried stack, and nobody had chosen it at submit: there it was merely found."""
    snapshot = carried()
    return snapshot is not None and not snapshot["chosen"] and path == _path(STACK)


def use_carried_stack() -> None:
    """Have this process, and those that it starts, ask the stack that was in force at submit."""
    snapshot = carried()
    if snapshot is None:
        return
    for name, value in snapshot["variables"].items():
        os.environ.setdefault(name, value)
    if os.path.exists(_path(STACK)):
        os.environ.setdefault("TACENDA_CONFIG", _path(STACK))


def _path(name: str) -> str:
    return os.path.join(_HOME, FOLDER, name)
