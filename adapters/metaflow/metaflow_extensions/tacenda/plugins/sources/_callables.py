"""Sources that only the run knows: functions that a step calls when it starts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from metaflow.exception import MetaflowException

__all__ = ["declared", "label", "resolved"]


def declared(sources: Any) -> list[Any]:
    """Return the sources of a step one by one, as they are written; functions are not called."""
    if isinstance(sources, (list, tuple, set)):
        return [one for source in sources for one in declared(source)]
    return [] if sources is None else [sources]


def resolved(sources: Any, flow: Any = None) -> list[Any]:
    """Return the sources of a step, with what its functions return in their places.

    Args:
        sources: sources and functions, or one of them alone. A function takes the flow, or nothing, and returns a
            source, several, or None for none.
        flow: the flow in its task: its parameters and artifacts are there.

    Raises:
        MetaflowException: names the function that failed.
    """
    return [*_resolved(sources, flow)]


def _resolved(sources: Any, flow: Any) -> Iterator[Any]:
    for source in declared(sources):
        if callable(source):
            yield from _resolved(_answer(source, flow), flow)
        else:
            yield source


def _answer(function: Callable[..., Any], flow: Any) -> Any:
    try:
        return function(flow) if _takes_one(function) else function()
    except Exception as error:
        raise MetaflowException(
            f"@secrets: the function {label(function)}, which says what the sources are, failed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # written in C
        return True
    return True


def label(function: Callable[..., Any]) -> str:
    """Return how messages call a function: by name and place."""
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{name!r} (line {code.co_firstlineno} of {code.co_filename.rpartition('/')[2]})" if code else repr(name)
