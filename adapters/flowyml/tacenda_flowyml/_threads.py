"""Worker threads of FlowyML's read from the stack of the step that started them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

__all__ = ["carrying_items", "carrying_pool", "carrying_steps"]


def carrying_pool(pool: type[Any]) -> type[Any]:
    """Return FlowyML's thread pool, whose threads have the context of who submits."""

    class ThreadPoolExecutor(pool):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            return super().submit(copy_context().run, fn, *args, **kwargs)

    return ThreadPoolExecutor


def carrying_items(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have `ParallelExecutor` carry the context to the threads that call one function for many items."""

    @functools.wraps(original)
    def spread(self: Any, func: Callable[..., Any], items: Any, **kwargs: Any) -> Any:
        return original(self, _carried(self, func), items, **kwargs)

    return spread


def carrying_steps(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have `ParallelExecutor` carry the context to the threads that call several steps."""

    @functools.wraps(original)
    def spread(self: Any, steps: list[Callable[..., Any]], inputs: Any = None) -> Any:
        return original(self, [_carried(self, step) for step in steps], inputs)

    return spread


def _carried(executor: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    if executor.config.backend != "thread":  # a process gets pickles, and no context is one
        return function
    context = copy_context()
    # A copy for each call, because a context can be entered by one thread at a time.
    return lambda *args, **kwargs: context.copy().run(function, *args, **kwargs)
