"""The providers of one stack, and how they are asked: where a name may be, how often to try, what is on record."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote

from tacenda import _active, _audit, _registry
from tacenda._errors import InvalidReference, SecretError, Unsupported
from tacenda._reference import SCHEMES, parse_reference
from tacenda._retry import retry
from tacenda.masking import registry
from tacenda.providers import Place, Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tacenda._stack import Stack

__all__ = ["AT_ONCE", "Chain", "Target"]

AT_ONCE = 16
"""How many calls to backends run at the same time in a process; more did not help, measured."""

_slots = threading.BoundedSemaphore(AT_ONCE)

T = TypeVar("T")


class Target(NamedTuple):
    """Where a name may be: one provider and one place in it."""

    provider: Provider
    place: Place

    @property
    def label(self) -> str:
        """The place as `Provider.label` spells it."""
        return self.provider.label(self.place)

    @property
    def document_label(self) -> str:
        """The document of the place, without the keys in it."""
        return self.provider.label(Place(self.place.path))


class Chain:
    """The providers of a stack, opened; each backend has one client and one login in a process.

    Args:
        stack: the stack.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._own = [self._open(entry) for entry in stack.entries]
        self._referenced: dict[str, Provider] = {}
        self._fresh_locks()

    @property
    def providers(self) -> Sequence[Provider]:
        """The providers in the order to ask; under `tacenda.testing.override` only what it put in their place."""
        return _active.OVERRIDES[::-1] or self._own

    def reset(self) -> None:
        """Make fresh locks and clients: called in the child after a fork."""
        self._fresh_locks()
        for provider in {*self._own, *self._referenced.values()}:
            provider.reset()

    def close(self) -> None:
        """Release connections."""
        for provider in {*self._own, *self._referenced.values()}:
            provider.close()

    def targets(self, name: str, key: str | None = None, version: str | None = None) -> list[Target]:
        """Return where a name or reference may be, in the order to ask.

        Raises:
            InvalidReference: for an illegal name, a value, or a key given twice.
            Unsupported: if a version is asked for and no provider of the stack keeps versions.
        """
        if any("\ud800" <= character <= "\udfff" for character in f"{name}{key or ''}"):
            raise InvalidReference(f"{name!r} holds half a surrogate pair, which no backend can store", name=name)
        reference = parse_reference(name)
        if reference is not None and not _active.OVERRIDES:
            if key is not None and reference.key is not None:
                raise InvalidReference(f"{name!r} names the key {reference.key!r} already", name=name)
            provider = self._provider_of(reference.backend)
            return [Target(provider, provider.place_of(reference._replace(key=key or reference.key)))]
        if reference is None:
            name, key = _split(name, key)
        chain = [provider for provider in self.providers if version is None or provider.capabilities.versions]
        if not chain:
            raise Unsupported(f"no provider of stack {self.stack.name!r} keeps versions", name=name)
        return [Target(provider, place) for provider in chain for place in provider.places(name, key)]

    def ask(self, action: str, target: Target, call: Callable[[], T], *, patient: bool = True) -> T:
        """Return what one call to a backend returns: at most 16 at once, repeated by deadline, audited.

        Args:
            action: what the audit event says: `read`, `write`, `delete`, `list` or `info`.
            target: where.
            call: the call.
            patient: whether waiting for the backend is worth it.
        """
        _audit.require_writable()  # before the backend does what could not be put on record
        started = time.perf_counter()
        outcome, version = "ok", None
        try:
            deadline = self.stack.deadline if patient else 0.0
            result = retry(lambda: self._attempt(call), deadline=deadline, notice=_notice)
            version = getattr(result, "version", None)
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self.record(action, target, started=started, outcome=outcome, version=version)
        return result

    def _attempt(self, call: Callable[[], T]) -> T:
        with _slots:  # not held while waiting for the next attempt: others may ask another backend
            return call()

    def record(self, action: str, target: Target, **event: Any) -> None:
        """Write an audit event about a target."""
        _audit.record(action, target.label, stack=self.stack.name, backend=target.provider.backend, **event)

    def _provider_of(self, backend: str) -> Provider:
        # A reference goes to the stack's provider of that backend, or to one with default settings.
        with self._lock:
            if backend not in self._referenced:
                name = _known(backend)
                own = (p for p, entry in zip(self._own, self.stack.entries, strict=True) if entry.provider == name)
                self._referenced[backend] = next(own, None) or self._open(_registry.Entry(name, {}))
            return self._referenced[backend]

    def _open(self, entry: _registry.Entry) -> Provider:
        provider = _registry.open_provider(entry, self.stack.base)
        provider.protect = registry().add
        return provider

    def _fresh_locks(self) -> None:
        self._lock = threading.Lock()


def _fresh_slots() -> None:
    global _slots  # noqa: PLW0603 - in a forked child those that its parent's threads held would never come back
    _slots = threading.BoundedSemaphore(AT_ONCE)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_slots)


def _split(name: str, key: str | None) -> tuple[str, str | None]:
    # `get(N, K)` is `N#K`.
    plain, mark, inner = name.partition("#")
    if not plain.strip():
        raise InvalidReference("the name of a secret is empty", hint="see what names there are with `tacenda ls`")
    if mark and key is not None:
        raise InvalidReference(f"{name!r} names the key {unquote(inner)!r} already", name=name)
    return plain, unquote(inner) if mark else key


def _known(backend: str) -> str:
    try:
        return _registry.canonical(backend)
    except SecretError:
        near = _registry.did_you_mean(backend, SCHEMES)
    raise InvalidReference(
        f"there is no backend {backend!r} for a reference {backend}://…{near}", hint=f"they are: {', '.join(SCHEMES)}"
    )


def _notice(error: SecretError, left: float) -> None:
    import logging

    logging.getLogger("tacenda").warning("still trying, for %.0f s at most: %s", left, error.message)
