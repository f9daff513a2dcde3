"""Secrets for a user's own tests: while they last, every store answers from them and no backend is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacenda import _active
from tacenda._errors import Conflict, SecretNotFound
from tacenda._reference import parse_reference
from tacenda._values import SecretInfo, reveal
from tacenda.providers import Capabilities, Document, Place, Provider

if TYPE_CHECKING:
    from tacenda.providers._base import Change, Value

__all__ = ["MemoryProvider", "override"]


@contextmanager
def override(secrets: Mapping[str, Any]) -> Iterator[None]:
    """Let every store of this process answer from a mapping, in all threads; what is not in it is missing.

    Args:
        secrets: each name or reference (without `#KEY`) and its value: text, bytes, or a mapping of keys.

    Example:
        >>> import tacenda
        >>> with override({"api-keys": {"API_KEY": "example-key"}}):
        ...     tacenda.get("api-keys", "API_KEY") == "example-key"
        True
    """
    provider = MemoryProvider(secrets)
    _active.OVERRIDES.append(provider)
    try:
        yield
    finally:
        _active.OVERRIDES.remove(provider)


class MemoryProvider(Provider):
    """Secrets in a dict. Writes change the dict's copy and end with the override.

    Args:
        secrets: each name and its value.
    """

    backend = "override"
    capabilities = Capabilities(write=True, delete=True, list=True, update=True, create=True)

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        super().__init__({}, Path())
        self._lock = threading.RLock()
        self._documents: dict[str, Value] = {name: reveal(value) for name, value in secrets.items()}

    def path_of(self, name: str) -> str:
        """Return the name itself: nothing is escaped here."""
        return name

    def places(self, name: str, key: str | None = None) -> Sequence[Place]:
        """Return the place of a name; a reference stands for itself, without its key."""
        reference = parse_reference(name)
        if reference is not None and reference.key is not None:
            return [Place(name.partition("#")[0], (reference.key,))]
        return super().places(name, key)

    def read(self, path: str, version: str | None = None) -> Document:
        """Return what the mapping holds."""
        if path not in self._documents:
            raise SecretNotFound("tacenda.testing.override does not name it", name=path)
        return Document(self._documents[path])

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Put a value in its place."""
        with self._lock:
            if create and path in self._documents:
                raise Conflict(f"the secret {path!r} exists already", name=path)
            self._documents[path] = value
        return SecretInfo(path, self.backend)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Change a value in its place."""
        with self._lock:
            existing = self._documents.get(path)
            return self.write(path, change(None if existing is None else Document(existing)))

    def delete(self, path: str) -> None:
        """Forget a value."""
        if self._documents.pop(path, None) is None:
            raise SecretNotFound("tacenda.testing.override does not name it", name=path)

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the names."""
        return (SecretInfo(name, self.backend) for name in sorted(self._documents) if name.startswith(prefix))
