"""Names of this process that running tasks share: environment variables and files.

Many tasks run in one process, locally at least, but it has one environment. So a variable is there as long as any
task needs it, and stands for one secret as long as any task runs: two that want it for different secrets are refused
always, not only when they happen to meet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tacenda.errors import Conflict

__all__ = ["SHARED", "Place", "SharedNames"]

Undo = Callable[[], None]


class Place(NamedTuple):
    """Something that a task wants in this process.

    Attributes:
        name: what a message calls it, such as `variable DB_PASSWORD`; equal for the same place.
        secret: the secret as a message calls it.
        identity: equal for the same secret of the same store.
        put: puts it there, and returns what takes it away again.
    """

    name: str
    secret: str
    identity: Hashable
    put: Callable[[], Undo]


class _Holding:
    def __init__(self, wanted: Place) -> None:
        self.secret = wanted.secret
        self.identity = wanted.identity
        self.tasks = 0
        self.undo: Undo | None = None


class SharedNames:
    """Which secret each name of this process stands for, and how many tasks need it. Thread-safe.

    Example:
        >>> names = SharedNames()
        >>> def put():
        ...     print("there")
        ...     return lambda: print("gone")
        >>> wanted = [Place("variable TOKEN", "'token'", "token", put)]
        >>> with names.task(), names.hold(wanted), names.hold(wanted):
        ...     print("two tasks, one variable")
        there
        two tasks, one variable
        gone
    """

    def __init__(self) -> None:
        self.reset_lock()
        self._running = 0
        self._held: dict[str, _Holding] = {}

    def reset_lock(self) -> None:
        """Make a fresh lock: another thread may have held it when this process was forked."""
        self._lock = threading.Lock()

    @contextmanager
    def task(self) -> Iterator[None]:
        """Count a running task, with or without secrets: what names stand for is forgotten when none is left."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._held.clear()

    @contextmanager
    def hold(self, wanted: Sequence[Place]) -> Iterator[None]:
        """Put there what a running task wants, all or nothing; it goes when the last task that needs it ends.

        Raises:
            Conflict: if a name stands for another secret; lists every one.
        """
        taken: list[_Holding] = []
        try:
            with self._lock:
                self._refuse_clashes(wanted)
                for item in wanted:
                    self._take(item, taken)
            yield
        finally:
            with self._lock:
                for holding in reversed(taken):
                    self._release(holding)

    def _take(self, item: Place, taken: list[_Holding]) -> None:
        holding = self._held.setdefault(item.name, _Holding(item))
        if holding.undo is None:
            holding.undo = item.put()
        holding.tasks += 1
        taken.append(holding)

    @staticmethod
    def _release(holding: _Holding) -> None:
        holding.tasks -= 1
        if not holding.tasks and holding.undo is not None:
            undo, holding.undo = holding.undo, None
            undo()

    def _refuse_clashes(self, wanted: Sequence[Place]) -> None:
        first = {name: (holding.identity, holding.secret) for name, holding in self._held.items()}
        clashes = []
        for item in wanted:
            identity, secret = first.setdefault(item.name, (item.identity, item.secret))
            if identity != item.identity:
                other = f"{secret} of another stack" if item.secret == secret else item.secret
                clashes.append(f"{item.name} stands for {secret} and cannot be {other} too")
        if clashes:
            raise Conflict(
                f"the tasks of a run in one process share its environment and files: {'; '.join(clashes)}",
                hint="give one of them a variable of its own, or run the tasks in runs of their own",
            )


SHARED = SharedNames()
"""The names of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.reset_lock)
