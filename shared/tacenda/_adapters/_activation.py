"""Activating an adapter: its patches are applied as the orchestrator's modules come in, and never break an import."""

from __future__ import annotations

import logging
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from tacenda._adapters._import_hook import when_imported
from tacenda._adapters._patch import Patch
from tacenda._adapters._wanted import is_wanted

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["activate", "problems"]

_PROBLEMS: dict[str, list[str]] = {}
_PATCHES: dict[str, tuple[Patch, ...]] = {}


def activate(adapter: str, home: str) -> None:
    """Activate an adapter, once, if it is wanted. Whatever goes wrong is one log warning, never an error.

    Args:
        adapter: the orchestrator's name.
        home: the module whose `PATCHES` are to be applied, each as soon as the module it is about is imported.
    """
    if adapter in _PROBLEMS or not is_wanted(adapter):
        return
    found = _PROBLEMS[adapter] = []
    try:
        _PATCHES[adapter] = tuple(import_module(home).PATCHES)
    except Exception as error:  # noqa: BLE001 - the orchestrator must be importable whatever is wrong with us
        found.append(f"{type(error).__name__}: {error}")
        _warn(adapter, f"it is not active: {found[0]}")
        return
    for patch in _PATCHES[adapter]:
        when_imported(patch.module, partial(_apply, adapter, patch))


def problems(adapter: str) -> list[str] | None:
    """Return what does not work of an active adapter, after importing all that it changes; None if it is not active.

    For `tacenda check`, in a process of its own that has imported the orchestrator.
    """
    if adapter not in _PROBLEMS:
        return None
    for module in dict.fromkeys(patch.module for patch in _PATCHES.get(adapter, ())):
        try:
            import_module(module)
        except Exception as error:  # noqa: BLE001 - as above; a module that is gone is a problem to report
            _PROBLEMS[adapter].append(f"{module}: {type(error).__name__}: {error}")
    return list(dict.fromkeys(_PROBLEMS[adapter]))


def _apply(adapter: str, patch: Patch, module: ModuleType) -> None:
    try:
        patch.apply(module)
    except Exception as error:  # noqa: BLE001 - as above
        problem = f"{patch.without} ({error}; known to fit {adapter} {patch.fits})"
        _PROBLEMS[adapter].append(problem)
        _warn(adapter, f"it does not know this version of {adapter}: {problem}")


def _warn(adapter: str, what: str) -> None:
    # Not the warnings module: with `-W error` the import would fail.
    logging.getLogger("tacenda").warning("tacenda's adapter for %s: %s", adapter, what)
