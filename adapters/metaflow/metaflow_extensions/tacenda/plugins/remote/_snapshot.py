"""What a step that runs elsewhere is told of here: the stack in force at submit, and Metaflow's own secrets settings.

`_carried` has what becomes of it there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from metaflow_extensions.tacenda.plugins._carried import SETTINGS, STACK
from metaflow_extensions.tacenda.plugins.backend._settings import settings
from metaflow_extensions.tacenda.plugins.backend._stack import configured, for_references, is_chosen
from metaflow_extensions.tacenda.plugins.step._fan_out import START_JITTER

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["make_snapshot"]


def make_snapshot() -> dict[str, dict[str, Any]]:
    """Return the files of a snapshot, by name: what holds here and now, and never a credential.

    Raises:
        ConfigurationError: if it cannot be told which stack is in force.
    """
    from tacenda._stack import TACENDA_DEADLINE

    for_references()
    variables = {name: os.environ[name] for name in (TACENDA_DEADLINE, START_JITTER) if name in os.environ}
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
    from tacenda._config import NO_FILE
    from tacenda.errors import ConfigurationError

    try:
        stack = configured()
    except ConfigurationError:
        return None
    return None if stack.source == NO_FILE else stack
