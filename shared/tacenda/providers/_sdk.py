"""Loading a backend's SDK when it is first used: quickly, or with the name of the extra that brings it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from tacenda._errors import MissingDependency

__all__ = ["collector_resting", "load_sdk"]

_SHARED = ("azure", "google")
"""Packages that several distributions share, none of which has that name."""


def load_sdk(module: str, *, backend: str, extra: str) -> Any:
    """Return an SDK's module.

    Args:
        module: the module's full name, such as `hvac.adapters`.
        backend: who needs it, for the message.
        extra: the extra of tacenda that brings it.

    Raises:
        MissingDependency: if it is not installed.
    """
    try:
        with collector_resting():
            return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
    package = missing.partition(".")[0]
    if package in _SHARED and module.startswith(missing):
        package = module  # on PyPI that name alone is another package
    raise MissingDependency(
        f"{backend} needs the package {package}, which is not installed",
        name=missing,
        hint=f"pip install 'tacenda[{extra}]'",
    )


@contextmanager
def collector_resting(rest: bool = True) -> Iterator[None]:
    """Let the garbage collector rest while an SDK is imported and its first client made.

    Both make many objects that stay, and looking through them again and again takes a tenth of the time (hvac with
    requests: 147 ms with it, 130 ms without). What was made is then old to it, or it would look at all of it at once.

    Args:
        rest: whether to; False for what is not the first time.
    """
    collecting = rest and gc.isenabled()
    if collecting:
        gc.disable()
    try:
        yield
    finally:
        if collecting:
            if not gc.get_freeze_count():  # else somebody else's are frozen, and have to stay so
                gc.freeze()
                gc.unfreeze()  # into the oldest generation, at no cost
            gc.enable()
