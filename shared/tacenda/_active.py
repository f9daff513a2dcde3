"""Which stack is meant where none is named, and what a user's test has put in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacenda._errors import SecretError
    from tacenda._stack import Stack
    from tacenda.providers import Provider

__all__ = [
    "OVERRIDES",
    "READS",
    "TACENDA_STACK",
    "UNWATCHED",
    "Reads",
    "chosen_stack",
    "described_stack",
    "orchestrators_stack",
    "use_stack",
]

TACENDA_STACK = "TACENDA_STACK"
"""The environment variable that names the stack."""

OVERRIDES: list[Provider] = []
"""The providers of `tacenda.testing.override`, innermost last: while there is one, no other is asked."""


class Reads:
    """Counts what is read of secrets, for an orchestrator that may cache what depends on them."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


UNWATCHED = Reads()
"""What is read in contexts that nobody watches: in a thread that a step has started, it may be for any step."""

READS: ContextVar[Reads] = ContextVar("tacenda_reads", default=UNWATCHED)
"""Where this context counts."""

_STACK: ContextVar[str | Stack | SecretError | None] = ContextVar("tacenda_stack", default=None)
_ORCHESTRATORS_STACK: ContextVar[str | None] = ContextVar("tacenda_orchestrators_stack", default=None)


def chosen_stack() -> str | None:
    """Return the stack of this context: a pipeline's own, then `TACENDA_STACK`, then None (the configuration's).

    Raises:
        SecretError: what is wrong with the pipeline's own.
    """
    stack = _own_stack()
    return (stack if isinstance(stack, str) else stack and stack.name) or os.environ.get(TACENDA_STACK) or None


def described_stack() -> Stack | None:
    """Return the stack of this context if the orchestrator itself describes it, so that no configuration is asked.

    Raises:
        SecretError: what is wrong with it.
    """
    stack = _own_stack()
    return None if isinstance(stack, str) else stack


def _own_stack() -> str | Stack | None:
    stack = _STACK.get()
    if isinstance(stack, Exception):
        raise stack.with_traceback(None)  # it is raised for each reading, and would collect all their frames
    return stack


def orchestrators_stack() -> str | None:
    """Return the name of the orchestrator's active stack: one of ours of that name goes before the default."""
    return _ORCHESTRATORS_STACK.get()


@contextmanager
def use_stack(stack: str | Stack | SecretError, *, if_configured: bool = False) -> Iterator[None]:
    """Make a stack the active one of this context: two pipelines on two stacks run in one process.

    Args:
        stack: the stack's name, or the stack itself where the orchestrator describes it; or what is wrong with that,
            which is raised when a secret is read: a pipeline that reads none runs as ever.
        if_configured: it is the orchestrator's active stack: ours of that name serves if there is one and nothing
            else is chosen.
    """
    variable: ContextVar[Any] = _ORCHESTRATORS_STACK if if_configured else _STACK
    token = variable.set(stack)
    try:
        yield
    finally:
        variable.reset(token)
