"""A running task: the variables and files that it declares are there, and what it gives back is searched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tacenda_flyte._sharing import SHARED
from tacenda_flyte.flytekit._wanted import declaring

__all__ = ["RUN", "Run", "running"]


class Run:
    """One execution of a task.

    Attributes:
        searched: whether its outputs have been searched as the Python objects that they are.
    """

    def __init__(self, task: Any) -> None:
        self._task = task
        self.searched = False

    def check(self, outcome: Any) -> None:
        """Refuse what a task gives back past the conversion of its outputs: a dynamic task, one in a container.

        Raises:
            SecretLeak: naming the output.
        """
        if not self.searched:
            from tacenda_flyte.flytekit._outputs import check_converted

            check_converted(self._task, outcome)


RUN: ContextVar[Run | None] = ContextVar("tacenda_flytekit_run", default=None)


@contextmanager
def running(task: Any, context: Any) -> Iterator[Run]:
    """Deliver what a task declares while it runs.

    Raises:
        SecretError: a declared secret could not be asked for, or cannot be delivered so.
    """
    run = Run(task)
    token = RUN.set(run)
    declared = getattr(task.security_context, "secrets", None) or ()
    try:
        with SHARED.task(), declaring(tuple(declared)):
            if declared:
                from tacenda_flyte.flytekit._delivery import delivered

                with delivered(task.name, declared, context):
                    yield run
            else:
                yield run
    finally:
        RUN.reset(token)
