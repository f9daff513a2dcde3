"""tacenda for Flyte: flytekit and flyte 2 each find their adapter below by an entry point.

Importing this imports neither SDK. It activates the adapter of flyte 2 as soon as `flyte` is imported, which
otherwise happens with `flyte.init()`, and offers the documented decorator: `from tacenda_flyte import task`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tacenda_flyte.flyte._task import task

__all__ = ["task"]


def _activate_flyte(_: ModuleType) -> None:
    import_module("tacenda_flyte.flyte")


def __getattr__(name: str) -> object:
    if name != "task":
        raise AttributeError(f"module 'tacenda_flyte' has no attribute {name!r}")
    return import_module("tacenda_flyte.flyte._task").task


def _wait_for_flyte() -> None:
    try:
        from tacenda._adapters import when_imported

        when_imported("flyte", _activate_flyte)
    except Exception as error:  # noqa: BLE001 - it would break `import flytekit`, which imports this package
        import logging

        logging.getLogger("tacenda").warning("tacenda's adapter for flyte: it is not active: %s", type(error).__name__)


_wait_for_flyte()
