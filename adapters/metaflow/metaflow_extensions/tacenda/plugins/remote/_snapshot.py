"""What a step that runs elsewhere is told of here: the stack in force at submit, and Metaflow's own secrets settings.

Both are files in the code package, beside the packages `tacenda` and `metaflow_extensions`. There the stack becomes
`TACENDA_CONFIG`, unless that is set, so that everything in the container asks it: `@secrets`, the step's own
`tacenda.get`, and programs that it starts. The settings become Metaflow's where the container has none of its own:
Batch forwards no prefix, and nobody forwards the role.

This module is imported with Metaflow's configuration: at its top, the standard library only.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["FOLDER", "SETTINGS", "STACK", "carried", "make_snapshot", "use_carried_stack", "was_found"]

FOLDER = "tacenda_snapshot"
"""The directory in the code package."""
STACK = "stack.json"
"""The stack, as `TACENDA_CONFIG` takes it; not there where nobody has configured tacenda."""
SETTINGS = "metaflow.json"
"""Metaflow's secrets settings, whether the stack was chosen or found, and variables of tacenda's."""

_VARIABLES = ("TACENDA_DEADLINE", "TACENDA_START_JITTER")
_HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * __name__.count(".")))
"""The directory that holds `metaflow_extensions`."""


def make_snapshot() -> dict[str, dict[str, Any]]:
    """Return the files of a snapshot, by name: what holds here and now, and never a credential.

    Raises:
        ConfigurationError: if it cannot be told which stack is in force.
    """
    from metaflow_extensions.tacenda.plugins.backend._settings import settings
    from metaflow_extensions.tacenda.plugins.backend._stack import for_references, is_chosen

    for_references()
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    files: dict[str, dict[str, Any]] = {
        SETTINGS: {"settings": settings(), "chosen": is_chosen(), "variables": variables},
    }
    stack = _configured_stack()
    if stack is not None:
        files[STACK] = stack.snapshot()
    return files


def _configured_stack() -> Stack | None:
    """Return the stack of tacenda's configuration, also where Metaflow's settings decide on plain names.

    References and the providers' own names have its settings all the same. None where there is no file, or a wrong
    one that `in_force` had no need of.
    """
    from metaflow_extensions.tacenda.plugins.backend._stack import configured
    from tacenda._config import NO_FILE
    from tacenda.errors import ConfigurationError

    try:
        stack = configured()
    except ConfigurationError:
        return None
    return None if stack.source == NO_FILE else stack


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
