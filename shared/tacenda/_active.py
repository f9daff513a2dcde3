"""Which stack is meant where none is named, and what a user's test has put in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tacenda.providers import Provider

__all__ = ["OVERRIDES", "TACENDA_STACK", "chosen_stack", "namesake", "use_stack"]

TACENDA_STACK = "TACENDA_STACK"
"""The environment variable that names the stack."""

OVERRIDES: list[Provider] = []
"""The providers of `tacenda.testing.override`, innermost last: while there is one, no other is asked."""

_STACK: ContextVar[str | None] = ContextVar("tacenda_stack", default=None)
_NAMESAKE: ContextVar[str | None] = ContextVar("tacenda_namesake", default=None)


def chosen_stack() -> str | None:
    """Return the stack of this context: a pipeline's own, then `TACENDA_STACK`, then None (the configuration's)."""
    return _STACK.get() or os.environ.get(TACENDA_STACK) or None


def namesake() -> str | None:
    """Return the name of the orchestrator's active stack: one of ours of that name goes before the default."""
    return _NAMESAKE.get()


@contextmanager
def use_stack(name: str, *, if_configured: bool = False) -> Iterator[None]:
    """Make a stack the active one of this context: two pipelines on two stacks run in one process.

    Args:
        name: the stack's name.
        if_configured: it is the orchestrator's active stack: ours of that name serves if there is one and nothing
            else is chosen.
    """
    variable = _NAMESAKE if if_configured else _STACK
    token = variable.set(name)
    try:
        yield
    finally:
        variable.reset(token)
