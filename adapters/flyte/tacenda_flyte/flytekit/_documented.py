"""`flytekit.core.secrets`, from which Flyte's documentation imports `SecretsManager`, and which no flytekit has."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["NAME", "module"]

NAME = "flytekit.core.secrets"


def module() -> ModuleType:
    """Return the documented module: upstream's own if there is one by now, else one made here."""
    if find_spec(NAME) is not None:
        return import_module(NAME)
    made = module_from_spec(ModuleSpec(NAME, loader=None, origin=__file__))
    made.__doc__ = "Where Flyte's documentation imports SecretsManager from; made by tacenda."
    made.__getattr__ = _attribute  # type: ignore[method-assign]
    sys.modules[NAME] = made
    return made


def _attribute(name: str) -> object:
    # Looked up late: flytekit may be in the middle of its own import when the module is made.
    if name == "SecretsManager":
        return import_module("flytekit.core.context_manager").SecretsManager
    raise AttributeError(f"module {NAME!r} has no attribute {name!r}")
