"""The process-wide store: what `tacenda.get` reads from, one per configuration and stack."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tacenda._active import chosen_stack, described_stack, orchestrators_stack
from tacenda._config import TACENDA_CONFIG, working_directory
from tacenda._store import SecretStore, open_store

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["forget", "get", "get_many", "process_store", "store_of"]

_STORES: dict[tuple[str | None, ...], SecretStore] = {}
_DESCRIBED: list[SecretStore] = []
_LOCK = threading.Lock()


def process_store() -> SecretStore:
    """Return the store of the active stack; one for each working directory, `TACENDA_CONFIG` and stack."""
    stack = described_stack()
    if stack is not None:
        return store_of(stack)
    key = (str(working_directory()), os.environ.get(TACENDA_CONFIG), chosen_stack(), orchestrators_stack())
    store = _STORES.get(key)
    if store is None:
        with _LOCK:
            store = _STORES.get(key) or _STORES.setdefault(key, open_store())
    return store


def store_of(stack: Stack) -> SecretStore:
    """Return the store of a stack that an orchestrator describes; one for equal stacks."""
    with _LOCK:
        for store in _DESCRIBED:
            if store.stack == stack:
                return store
        _DESCRIBED.append(SecretStore(stack))
        return _DESCRIBED[-1]


def forget() -> None:
    """Have every process-wide store read anew what it is asked for next: a run has begun."""
    with _LOCK:
        stores = [*_STORES.values(), *_DESCRIBED]
    for store in stores:
        store._forget()  # noqa: SLF001 - our own class


def get(name: str, key: str | None = None, **options: Any) -> Any:
    """Return a secret of the active stack, as `SecretStore.get` does."""
    return process_store().get(name, key, **options)


def get_many(names: Iterable[str], **options: Any) -> dict[str, Any]:
    """Return several secrets of the active stack, as `SecretStore.get_many` does."""
    return process_store().get_many(names, **options)


def _fresh_lock() -> None:
    global _LOCK  # noqa: PLW0603 - the parent's lock may have been held when it forked
    _LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)
