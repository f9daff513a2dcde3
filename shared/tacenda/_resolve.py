"""From a name to its value: the chain asked in order, each document read once, every value masked before it leaves."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tacenda import _active
from tacenda._batch import Batch, batches
from tacenda._cache import Cache, Cached
from tacenda._chain import Chain, Target
from tacenda._config import NO_FILE
from tacenda._errors import InvalidReference, SecretError, SecretNotFound, Unsupported, worst
from tacenda._reference import parse_reference
from tacenda._register import register
from tacenda._values import SecretBundle, SecretInfo, natural
from tacenda.providers import Document, Place, decode_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tacenda._stack import Stack
    from tacenda.providers import Provider

__all__ = ["Resolver"]

T = TypeVar("T")

Batched = dict["tuple[Provider, str, str | None]", tuple[int, Cached]]
"""What batches brought for one call, and the generation of the cache that it was read in."""


class Resolver:
    """Reads the secrets of one stack.

    Args:
        stack: the stack.

    Attributes:
        chain: its providers.
    """

    def __init__(self, stack: Stack) -> None:
        self.chain = Chain(stack)
        self._stack = stack
        self._documents: Cache[tuple[Any, str | None]] = Cache(stack.cache_ttl)

    def reset(self) -> None:
        """Make fresh locks and clients: called in the child after a fork."""
        self._documents.reset()
        self.chain.reset()

    def forget(self) -> None:
        """Forget what was read: somebody wrote."""
        self._documents.clear()

    def read(
        self, name: str, key: str | None, version: str | None, *, fresh: bool = False, batched: Batched | None = None
    ) -> Cached:
        """Return the value in its natural type, with its version and how long it may serve; see `SecretStore.get`."""
        version = _version(name, version)

        def read_at(target: Target) -> Cached:
            found = self._from_batch(target, version, batched or {}) or self._document(target, version, fresh=fresh)
            value, resolved = found.value
            return found._replace(value=_dig(value, target), version=resolved, place=target.label)

        return self._first(name, key, version, read_at)

    def info(self, name: str, version: str | None = None) -> SecretInfo:
        """Return what the backend tells about a secret without its value; see `SecretStore.info`."""
        version = _version(name, version)

        def info_at(target: Target) -> SecretInfo:
            provider, place = target
            if place.keys:  # the document may be there without this key
                _dig(self._document(target, version).value[0], target)
            return self.chain.ask("info", target, lambda: provider.info(place.path, version))

        return self._first(name, None, version, info_at)._replace(name=name)

    def names(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the names that start with a prefix, the first of each along the chain; see `SecretStore.list`."""
        seen: set[str] = set()
        refusals: list[SecretError] = []
        for provider in self.chain.providers:
            try:
                listing = self._listing(provider, prefix)
            except (Unsupported, SecretNotFound) as refusal:  # as `get` does, on to the next if a mount is not there
                refusals.append(refusal)
                continue
            for info in listing:
                if info.name not in seen:
                    seen.add(info.name)
                    yield info
        if len(refusals) == len(self.chain.providers):
            raise worst(refusals)

    def prefetches(self, names: Sequence[str], batched: Batched, *, fresh: bool = False) -> list[Callable[[], None]]:
        """Return the calls that read in batches, where the backends have them, what they will be asked for first.

        They may run side by side. What they could not read is left to the single reads that follow.

        Args:
            names: what is about to be read: names and references.
            batched: where the calls put what they read, so that those reads need neither the backend nor a cache.
            fresh: whether to ask for what is kept, too.
        """
        if len(names) == 1:
            return []
        found = batches(
            self.chain, names, lambda provider, path: fresh or not self._documents.serves((provider, path, None))
        )
        return [partial(self._prefetch, batch, batched) for batch in found]

    def _prefetch(self, batch: Batch, batched: Batched) -> None:
        if batch.refusals:
            return
        provider = batch.provider
        generation, started = self._documents.generation, time.perf_counter()
        try:
            found = self._batch(provider, batch.paths)
        except SecretError as refusal:  # denied or broken: the single reads that follow say so, each for itself
            batch.refusals.append(refusal)
            return
        for path, document in found.items():
            if isinstance(document, Document):
                target = Target(provider, Place(path))
                self.chain.record("read", target, started=started, version=document.version)
                kept = self._documents.put((provider, path, None), self._masked(document, target), generation)
                batched[provider, path, None] = generation, kept

    def _from_batch(self, target: Target, version: str | None, batched: Batched) -> Cached | None:
        generation, found = batched.get((target.provider, target.place.path, version), (None, None))
        return found if generation == self._documents.generation else None  # somebody wrote meanwhile

    def register(self, value: Any, label: str) -> None:
        """Tell the masker every secret leaf of a value, before anybody can print it."""
        register(value, label, self._stack.non_secret_keys)

    def _first(self, name: str, key: str | None, version: str | None, at: Callable[[Target], T]) -> T:
        # "Not there" goes on to the next place; any other failure stops and says so.
        tried: list[str] = []
        hint = None
        for target in self.chain.targets(name, key, version):
            try:
                return at(target)
            except SecretNotFound as miss:
                tried.append(f"{target.label}: {miss.message}")
                hint = miss.hint or hint
        what = repr(name) if key is None else f"{name!r} with key {key!r}"
        raise SecretNotFound(
            f"there is no secret {what} in stack {self._stack.name!r} ({self._stack.source})",
            name=name,
            tried=tried,
            hint=self._hint(hint),
        )

    def _hint(self, providers_own: str | None) -> str:
        if self._stack.source == NO_FILE:  # more often than not the file is what is missing
            return (
                f"make a tacenda.yaml that says where secrets are (none was found from {self._stack.base} upwards), "
                "or set an environment variable of that name"
            )
        if providers_own:
            return providers_own
        writable = any(provider.capabilities.write for provider in self.chain.providers)
        return "see what there is with `tacenda ls`" + (", or store it with `tacenda set`" if writable else "")

    def _document(self, target: Target, version: str | None = None, *, fresh: bool = False) -> Cached:
        # A whole document as (value in its natural type, version).
        provider, path = target.provider, target.place.path

        def read(patient: bool) -> tuple[Any, str | None]:
            document = self.chain.ask("read", target, lambda: provider.read(path, version), patient=patient)
            return self._masked(document, target)

        if _active.OVERRIDES:  # any store may write to what stands in, so no store keeps it
            return Cached(read(True), 0.0, 0.0)
        found = self._documents.get((provider, path, version), read, fresh=fresh)
        if found.stale:
            self._tell_stale(target)
        return found

    def _batch(self, provider: Provider, paths: Sequence[str]) -> Any:
        target = Target(provider, Place(f"({len(paths)} documents in one call)"))
        # Batch calls have the smaller quotas (AWS: 100/s against 10,000/s): single reads are what is worth waiting for.
        return self.chain.ask("read", target, lambda: provider.read_many(paths), patient=False)

    def _listing(self, provider: Provider, prefix: str) -> list[SecretInfo]:
        document = provider.document()
        if document is not None:
            try:
                content = self._document(Target(provider, Place(document))).value[0]
            except SecretNotFound:
                return []
            keys = content if isinstance(content, SecretBundle) else ()
            return [SecretInfo(key, provider.backend) for key in keys if key.startswith(prefix)]
        own = str(provider.settings.get("prefix") or "")
        target = Target(provider, Place(f"{own}{prefix}*"))
        found = self.chain.ask("list", target, lambda: list(provider.list(own + prefix)))
        return [info._replace(name=info.name[len(own) :]) for info in found]

    def _masked(self, document: Document, target: Target) -> tuple[Any, str | None]:
        label = target.document_label
        value = natural(document.value, label)
        if isinstance(value, SecretBundle):
            value = SecretBundle({key: _decoded(item) for key, item in value.items()}, label, value._text)  # noqa: SLF001
        self.register(value, label)
        return value, document.version

    def _tell_stale(self, target: Target) -> None:
        import logging

        logging.getLogger("tacenda").warning("%s cannot be asked now; an earlier read serves", target.label)
        self.chain.record("read", target, started=time.perf_counter(), outcome="stale")


def _version(name: str, version: str | None) -> str | None:
    reference = parse_reference(name)
    named = None if reference is None else reference.version
    if version and named and str(version) != named:
        raise InvalidReference(f"{name!r} names the version {named!r} already", name=name)
    return str(version) if version else named  # a number is an obvious thing to write


def _decoded(value: Any) -> Any:
    # Bytes inside a bundle are kept as base64 beside their encoding, however deep the bundle lies.
    plain = decode_leaf(value)
    if isinstance(plain, dict):
        return {key: _decoded(item) for key, item in plain.items()}
    return plain


def _dig(value: Any, target: Target) -> Any:
    label = target.document_label
    for key in target.place.keys:
        if not isinstance(value, SecretBundle):
            raise InvalidReference(
                f"{label} is not a JSON object, so it has no key {key!r}", hint="ask for it without a key"
            )
        if key not in value:
            known = ", ".join(sorted(value))
            raise SecretNotFound(f"no key {key!r}", hint=f"the keys are: {known}" if known else "it has no keys")
        label = f"{label}#{key}"
        value = natural(value[key], label)
    return value
