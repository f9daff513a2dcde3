"""The contract of a backend: what a provider must do, may do, and says that it can do.

A provider deals in documents and paths. Which name means which document, the chain of a stack, caching,
retries, masking and audit are the store's: a provider asks its backend once and says plainly what happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Union
from urllib.parse import quote

from tacenda._errors import ConfigurationError, SecretError, Unsupported
from tacenda._values import SecretInfo

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from tacenda._reference import Reference

__all__ = ["SMALLER", "Capabilities", "Change", "Document", "Place", "Provider", "Value"]

SMALLER = "keep the data elsewhere and a key here"
"""What to do about a value that is too large."""

Value = Union[str, bytes, "dict[str, Any]"]
"""What a backend stores: text, bytes, or several key-value pairs. Plain types, never the secret ones."""


class Capabilities(NamedTuple):
    """What a backend can do; what it cannot raises `Unsupported`, and the conformance kit expects just that.

    Attributes:
        write: values can be written.
        delete: secrets can be deleted.
        list: names can be listed.
        update: `modify` is safe against other writers (compare-and-set, or a lock).
        create: `create=True` is safe against other writers.
        recreate: what was deleted can be written again at once; where not, `Conflict` says how to get it back.
        versions: earlier versions can be read.
        tags: tags are kept.
        times: created and updated times are told.
        binary: bytes are kept as bytes.
        empty: an empty text is legal.
        bundles: several key-value pairs are kept with their JSON types.
        slashes: names may contain `/`.
        batch: how many documents one call reads; 1 where the backend has no batch call.
        max_bytes: the size that one value may have, in bytes; None where there is no limit.
    """

    write: bool = False
    delete: bool = False
    list: bool = False
    update: bool = False
    create: bool = False
    recreate: bool = True
    versions: bool = False
    tags: bool = False
    times: bool = False
    binary: bool = True
    empty: bool = True
    bundles: bool = True
    slashes: bool = True
    batch: int = 1
    max_bytes: int | None = None


class Document(NamedTuple):
    """What a provider read: the value as stored, and the version it turned out to be."""

    value: Value
    version: str | None = None

    def __repr__(self) -> str:
        return f"<Document [masked] version={self.version!r}>"


class Place(NamedTuple):
    """Where a name or reference leads within one provider.

    Attributes:
        path: the document, spelled as a reference's path (percent-escaped).
        keys: the steps into the document's content; empty for the whole document.
    """

    path: str
    keys: tuple[str, ...] = ()


Change = Callable[[Union[Document, None]], Value]
"""What `modify` applies: the document as it is (None: there is none yet) to the value to write."""


class Provider(ABC):
    """One backend behind one interface. Subclass it to add a backend.

    Args:
        settings: the settings of one stack entry, under their canonical names, checked by the registry.
        base: the directory that relative paths start at.

    Class attributes:
        backend: the short name, which is also the scheme of references.
        settings_help: each setting's name and what it means; others are refused.
        credential_settings: settings that a file may not hold, only a mapping given to `open_store`.
        document_setting: the setting that makes the stack ONE document whose keys are the secrets.
        capabilities: what the backend can do.

    Attributes:
        protect: called with every credential of our own (a login token) and a label before it is used, so
            that it is masked; the store sets it.
    """

    backend: ClassVar[str]
    settings_help: ClassVar[Mapping[str, str]] = {}
    credential_settings: ClassVar[frozenset[str]] = frozenset()
    document_setting: ClassVar[str | None] = None
    capabilities: Capabilities = Capabilities()

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        self.settings = settings
        self.base = base
        self.protect: Callable[[str, str], object] = lambda value, label: None
        if self.document_setting and settings.get(self.document_setting) and settings.get("prefix"):
            raise ConfigurationError(
                f"{self.backend}: {self.document_setting!r} and 'prefix' exclude each other",
                hint=f"with {self.document_setting!r} the stack is one document; for both, chain two entries",
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.describe()}>"

    # -- names ---------------------------------------------------------------------------------------

    def document(self) -> str | None:
        """Return the path of the one document that this stack entry is, or None when names are documents."""
        name = self.settings.get(self.document_setting) if self.document_setting else None
        return None if name is None else self.path_of(str(name))

    def path_of(self, name: str) -> str:
        """Return the escaped path of the document with a full name (prefix included).

        Raises:
            InvalidReference: if the name is illegal in this backend.
        """
        return quote(name, safe="/")

    def places(self, name: str, key: str | None = None) -> Sequence[Place]:
        """Return where a name may be, best first: DESIGN's rule, names to documents.

        With a document setting the name is a key of that document; otherwise it is the document
        `prefix + name`.
        """
        rest = () if key is None else (key,)
        document = self.document()
        if document is not None:
            return [Place(document, (name, *rest))]
        return [Place(self.path_of(f"{self.settings.get('prefix') or ''}{name}"), rest)]

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads; prefix and document settings play no part in it."""
        return Place(reference.path, reference.keys)

    def describe(self) -> str:
        """Return the provider and its address for messages: no values, no credentials."""
        return self.backend

    def label(self, place: Place) -> str:
        """Return a place as messages and audit events show it: a reference; with at most one key, one to paste back."""
        keys = "".join(f"#{key.replace('%', '%25').replace('#', '%23')}" for key in place.keys)
        return f"{self.backend}://{place.path}{keys}"

    # -- what every backend does ---------------------------------------------------------------------

    @abstractmethod
    def read(self, path: str, version: str | None = None) -> Document:
        """Return a document.

        Raises:
            SecretNotFound: there is no such document or version, or it is deleted.
            AccessDenied, BackendUnavailable, Throttled: as the backend answered, with `retry_for` set to how
                long a repetition is worth trying, in seconds.
        """

    def read_many(self, paths: Sequence[str]) -> Mapping[str, Document | SecretError]:
        """Return several documents in one call, at most `capabilities.batch` of them; errors are per path."""
        raise self.unsupported("read several secrets in one call")

    def batched_with(self, path: str) -> Hashable:
        """Return what documents have in common that one `read_many` can bring, such as a region; no request."""
        return None

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a whole document.

        Raises:
            Conflict: with `create`, if it exists.
            Unsupported: if the backend is read-only, or cannot keep such a value.
        """
        raise self.unsupported("write secrets")

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Read, change and write a document so that no other writer's keys are lost (compare-and-set or a lock)."""
        raise self.unsupported("update single keys safely")

    def delete(self, path: str) -> None:
        """Delete a document, recoverably where the backend can.

        Raises:
            SecretNotFound: if there is none.
        """
        raise self.unsupported("delete secrets")

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the documents whose full name starts with a prefix, with their full names; never values."""
        raise self.unsupported("list secrets")

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return what is known about a document without its value, where the backend has such a call."""
        return SecretInfo(path, self.backend, version=self.read(path, version).version)

    def check(self) -> None:
        """Raise if the backend cannot be asked with these settings; reads no secret. For `tacenda check`."""

    def findings(self) -> Sequence[str]:
        """Return what `tacenda check` should warn of, in sentences without values; for files, an open mode."""
        return ()

    def reset(self) -> None:
        """Forget clients, logins and locks: called in the child after a fork."""

    def close(self) -> None:
        """Release connections."""
        self.reset()

    def unsupported(self, what: str, hint: str | None = None) -> Unsupported:
        """Return the error for something that this backend cannot do."""
        return Unsupported(f"{self.describe()} cannot {what}", hint=hint)

    def too_large(self) -> Unsupported:
        """Return the error for a value that is larger than `capabilities.max_bytes`."""
        return self.unsupported(f"keep a value of more than {self.capabilities.max_bytes} bytes", SMALLER)
