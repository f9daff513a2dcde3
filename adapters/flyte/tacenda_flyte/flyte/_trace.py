"""What `@flyte.trace` stores: its outputs are searched and its errors masked, as a task's are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tacenda._adapters import known_masker, masked_error

__all__ = ["add_masked_error", "add_searched_output", "running"]

_TASK: ContextVar[Any] = ContextVar("tacenda_flyte_task", default=None)


@contextmanager
def running(task: Any) -> Iterator[None]:
    """Remember the task whose traces follow: its `allow_leak` exempts them, by the traced function's name."""
    token = _TASK.set(task)
    try:
        yield
    finally:
        _TASK.reset(token)


def add_searched_output(add_outputs: Callable[..., None], info: Any, output: Any, *args: Any, **options: Any) -> None:
    """Refuse to store an output that holds a secret; upstream has the trace fail with what is raised here."""
    if known_masker() is not None:
        from tacenda.masking import refuse_leaks
        from tacenda.masking._guard import leak_allowed

        if not leak_allowed(getattr(_TASK.get(), "func", None), info.name):
            refuse_leaks(output, f"the output of trace {info.name!r}")
    add_outputs(info, output, *args, **options)


def add_masked_error(add_error: Callable[..., None], info: Any, error: Any, *args: Any, **options: Any) -> None:
    """Store a masked error; the traced function's caller gets the real one."""
    add_error(info, masked_error(error), *args, **options)
