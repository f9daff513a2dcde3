"""Environment variables of running tasks, put there and taken away again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from tacenda._naming import INJECTED, INJECTED_PLAIN
from tacenda.delivery import inject

__all__ = ["put_variable", "set_by_others"]

_LOCK = threading.Lock()
"""Held while a variable and its note change: another thread that saw one alone would take it for the user's own."""

if hasattr(os, "register_at_fork"):  # a child must not inherit it from a thread that it has not
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


def put_variable(name: str, value: str) -> Callable[[], None]:
    """Set a variable and note its name; return what restores both.

    The note keeps tacenda's `env` provider, here and in child processes, from reading the value back.

    Args:
        name: the variable.
        value: its value.
    """
    with _LOCK:
        before, noted = os.environ.get(name), name in _injected()
        inject({name: value})

    def restore() -> None:
        with _LOCK:
            if os.environ.get(name) == value:  # else the task has put there something of its own
                if before is None:
                    del os.environ[name]
                else:
                    os.environ[name] = before
            if not noted:
                _forget(name)

    return restore


def set_by_others(name: str) -> str | None:
    """Return a variable that the platform or the user has set; None if there is none or tacenda has set it."""
    with _LOCK:
        return None if name in _injected() else os.environ.get(name)


def _injected() -> set[str]:
    return set(os.environ.get(INJECTED, "").split(","))


def _forget(name: str) -> None:
    for note in (INJECTED, INJECTED_PLAIN):
        left = sorted(set(os.environ.get(note, "").split(",")) - {name, ""})
        if left:
            os.environ[note] = ",".join(left)
        else:
            os.environ.pop(note, None)
