"""A backend in memory, added as anybody adds one: by the entry point of the distribution beside this file.

It is no stand-in for a real backend: it shows what the core does with any provider, and fails on demand.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from tacenda.errors import AccessDenied, Conflict, SecretError, SecretNotFound
from tacenda.providers import Capabilities, Document, Provider

ABLE = Capabilities(write=True, delete=True, list=True, update=True, create=True, tags=True)


class Shelf:
    """What is on one shelf, what was asked of it, and how it shall fail."""

    def __init__(self) -> None:
        self.documents: dict[str, list[Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[[str, str], object] = lambda action, path: None
        self.after: Callable[[str, str], object] = lambda action, path: None
        self.lock = threading.RLock()
        self.busy = self.busiest = self.resets = self.closed = 0

    def put(self, name: str, value: Any) -> None:
        """Add a version of a document."""
        self.documents.setdefault(name, []).append(value)

    def fail(self, error: SecretError | None) -> None:
        """Let every call fail with an error; None ends that."""

        def before(action: str, path: str) -> None:
            if error is not None:
                raise error

        self.before = before

    def reads(self, action: str = "read") -> list[str]:
        """Return the paths that were read, in order."""
        return [path for done, path in self.calls if done == action]


SHELVES: defaultdict[str, Shelf] = defaultdict(Shelf)


class ShelfProvider(Provider):
    """Reads and writes one of `SHELVES`."""

    backend = "shelf"
    settings_help: ClassVar = {
        "shelf": "which shelf",
        "prefix": "what every name starts with",
        "document": "the one document",
        "versions": "whether it keeps versions",
        "batch": "how many documents one call reads",
        "read_only": "whether writing is unsupported",
        "auth": "a mapping",
        "path": "a path",
    }
    credential_settings = frozenset({"token"})
    document_setting = "document"
    capabilities = ABLE

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        self.shelf = SHELVES[settings.get("shelf", self.backend)]
        able = Capabilities() if settings.get("read_only") else ABLE
        self.capabilities = able._replace(versions=bool(settings.get("versions")), batch=settings.get("batch", 1))

    def describe(self) -> str:
        """Return the shelf's name."""
        return f"{self.backend} {self.settings.get('shelf', self.backend)!r}"

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a version of a document."""
        with self._call("read", path):
            return self._find(path, version)

    def read_many(self, paths: Sequence[str]) -> Mapping[str, Document | SecretError]:
        """Return the documents that there are, and an error for each other."""
        with self._call("batch", " ".join(paths)):
            return {path: self._found(path) for path in paths}

    def batched_with(self, path: str) -> str:
        """Return the part of the shelf: one call reaches only one."""
        return path.rpartition("/")[0]

    def write(self, path: str, value: Any, *, create: bool = False, tags: Mapping[str, str] | None = None) -> Any:
        """Add a version."""
        with self._call("write", path), self.shelf.lock:
            if create and path in self.shelf.documents:
                raise Conflict(f"{path!r} exists already")
            self.shelf.put(unquote(path), value)
            return self._told(path)._replace(tags=dict(tags or {}))

    def modify(self, path: str, change: Any) -> Any:
        """Add a version made from the last one."""
        with self._call("write", path), self.shelf.lock:
            name = unquote(path)
            there = self.shelf.documents.get(name)
            self.shelf.put(name, change(None if there is None else Document(there[-1])))
            return self._told(path)

    def delete(self, path: str) -> None:
        """Remove a document."""
        with self._call("delete", path):
            if self.shelf.documents.pop(unquote(path), None) is None:
                raise SecretNotFound("it is not on the shelf")

    def list(self, prefix: str) -> Iterator[Any]:
        """Yield the names."""
        with self._call("list", prefix):
            names = [name for name in self.shelf.documents if name.startswith(prefix)]
        return (self._told(name) for name in names)

    def info(self, path: str, version: str | None = None) -> Any:
        """Return name and version."""
        with self._call("info", path):
            return self._told(path)._replace(version=self._find(path, version).version)

    def reset(self) -> None:
        """Count it."""
        self.shelf.resets += 1

    def close(self) -> None:
        """Count it."""
        self.shelf.closed += 1

    def _call(self, action: str, path: str) -> _Call:
        return _Call(self.shelf, action, path)

    def _find(self, path: str, version: str | None = None) -> Document:
        there = self.shelf.documents.get(unquote(path))
        if there is None or (version is not None and int(version) > len(there)):
            raise SecretNotFound("it is not on the shelf", hint="look at the shelf")
        number = len(there) if version is None else int(version)
        return Document(there[number - 1], str(number))

    def _found(self, path: str) -> Document | SecretError:
        try:
            return self._find(path)
        except SecretNotFound:
            return AccessDenied("not in a batch")

    def _told(self, path: str) -> Any:
        from tacenda import SecretInfo

        return SecretInfo(unquote(path), self.backend, str(len(self.shelf.documents.get(unquote(path), ()))))


class RackProvider(ShelfProvider):
    """The same under another name."""

    backend = "rack"


class _Call:
    """One call: on record, counted while it lasts, and failing on demand."""

    def __init__(self, shelf: Shelf, action: str, path: str) -> None:
        self.shelf, self.action, self.path = shelf, action, path

    def __enter__(self) -> None:
        with self.shelf.lock:
            self.shelf.calls.append((self.action, unquote(self.path)))
            self.shelf.busy += 1
            self.shelf.busiest = max(self.shelf.busiest, self.shelf.busy)
        try:
            self.shelf.before(self.action, unquote(self.path))
        except BaseException:
            self._done()
            raise

    def __exit__(self, *failure: object) -> None:
        try:
            self.shelf.after(self.action, unquote(self.path))
        finally:
            self._done()

    def _done(self) -> None:
        with self.shelf.lock:
            self.shelf.busy -= 1
