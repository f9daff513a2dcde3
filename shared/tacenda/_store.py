"""The store: one object that reads and writes the secrets of one stack, whatever serves it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from tacenda import _active
from tacenda._config import Configuration, find_configuration, from_mapping, load_file
from tacenda._errors import SecretError, SecretNotFound, Unsupported
from tacenda._parallel import Threads, told_apart
from tacenda._resolve import Resolver
from tacenda._values import exact_text, wrap
from tacenda._write import delete_secret, set_secret, update_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from tacenda._cache import Cached
    from tacenda._resolve import Batched
    from tacenda._stack import Stack
    from tacenda._values import Secret, SecretInfo

__all__ = ["SecretStore", "open_store"]

_RAISE: Any = object()
_OPEN: weakref.WeakSet[SecretStore] = weakref.WeakSet()

T = TypeVar("T")


class SecretStore:
    """The secrets of one stack. Thread-safe; a context manager; `open_store` makes one.

    Args:
        stack: the stack that it serves; also its attribute `stack`, whose `snapshot()` can be sent elsewhere.

    Example:
        >>> store = open_store(config={"stacks": {"dev": {"secrets": {"provider": "env", "prefix": "EXAMPLE_"}}}})
        >>> store.get("API_KEY", default=None) is None
        True
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._resolver = Resolver(stack)
        self._answers: dict[tuple[str, str | None, str | None], Cached] = {}
        self._threads = Threads()
        _OPEN.add(self)

    def __repr__(self) -> str:
        return f"<SecretStore stack={self.stack.name!r} providers={[entry.provider for entry in self.stack.entries]}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # -- reading -------------------------------------------------------------------------------------

    def get(
        self,
        name: str,
        key: str | None = None,
        *,
        version: str | None = None,
        default: Any = _RAISE,
        fresh: bool = False,
    ) -> Any:
        """Return a secret in its natural type: `SecretBundle` (a JSON object, Vault's fields), `Secret`, `SecretBytes`.

        Args:
            name: a name of the stack, or a reference such as `vault://secret/ml/training#DB_PASSWORD`.
            key: one key of the secret.
            version: an earlier version, where the backend keeps versions.
            default: returned if the secret is missing; any other failure still raises.
            fresh: past the cache, which otherwise serves for the stack's `cache_ttl` seconds.

        Raises:
            SecretNotFound: nobody has it; the message lists each place asked.
            AccessDenied, BackendUnavailable, Throttled: it could not be asked for; never mistaken for missing.
            InvalidReference: the name means nothing, or the secret is text and has no keys.
        """
        try:
            return self._found(name, key, version, fresh=fresh).value
        except SecretNotFound:
            if default is _RAISE:
                raise
        return default

    def get_text(self, name: str, key: str | None = None, *, version: str | None = None, fresh: bool = False) -> Secret:
        """Return the exact stored text; keys that the backend keeps apart (Vault's fields) as JSON text.

        Raises:
            Unsupported: if the secret is binary; besides, as `get`.
        """
        value = self.get(name, key, version=version, fresh=fresh)
        if isinstance(value, bytes):
            raise Unsupported(f"{name!r} is binary and has no text", name=name, hint="use get(), which returns bytes")
        return exact_text(value)

    def get_many(self, names: Iterable[str], *, fresh: bool = False) -> dict[str, Any]:
        """Return several secrets: in batches where the backend has them, else in parallel, each document once.

        Args:
            names: names or references; a key goes with its name, `NAME#KEY`.
            fresh: past the cache.

        Raises:
            SecretError: the worst kind that occurred; `failures` has every failed name with its own error.
        """
        wanted = list(dict.fromkeys(names))
        batched: Batched = {}
        self._threads.run_all(self._resolver.prefetches(wanted, batched, fresh=fresh))
        reads = [partial(self._found, name, fresh=fresh, batched=batched) for name in wanted]
        return told_apart(wanted, self._threads.outcomes(reads))

    def info(self, name: str, *, version: str | None = None) -> SecretInfo:
        """Return what the backend tells about a secret without its value: resolved version, times, tags.

        Raises:
            SecretNotFound: as `get`.
        """
        return self._resolver.info(name, version)

    def list(self, prefix: str = "") -> Iterator[SecretInfo]:
        """Yield the secrets whose names start with a prefix, the first of each name along the chain; never values.

        Args:
            prefix: how the names begin; empty for all.

        Raises:
            SecretError: when the first name is asked for: as `get`.
            Unsupported: if no provider of the stack can list.
        """
        return self._resolver.names(prefix)

    async def aget(self, name: str, key: str | None = None, **options: Any) -> Any:
        """Return what `get` returns, without blocking the event loop."""
        return await self._threads.run(partial(self.get, name, key, **options))

    async def aget_many(self, names: Iterable[str], *, fresh: bool = False) -> dict[str, Any]:
        """Return what `get_many` returns, without blocking the event loop."""
        import asyncio

        wanted = [*dict.fromkeys(names)]
        batched: Batched = {}
        prefetches = await self._threads.run(partial(self._resolver.prefetches, wanted, batched, fresh=fresh))
        await asyncio.gather(*map(self._threads.run, prefetches))
        reads = [self._threads.run(partial(self._found, name, fresh=fresh, batched=batched)) for name in wanted]
        return told_apart(wanted, await asyncio.gather(*reads, return_exceptions=True))

    # -- writing -------------------------------------------------------------------------------------

    def set(self, name: str, value: Any, *, create: bool = False, tags: Mapping[str, str] | None = None) -> SecretInfo:
        """Write a whole secret: text, bytes, or a mapping of keys to JSON values.

        Args:
            name: a name of the stack, or a reference; with `#KEY`, that one key.
            value: the value.
            create: refuse if it exists.
            tags: kept with it, where the backend keeps tags.

        Returns:
            What the backend tells about the new version.

        Raises:
            Conflict: with `create`, if it exists.
            Unsupported: if the stack is read-only, or the backend cannot keep such a value.
            TypeError: if the value is none of these.
        """
        value = wrap(value)  # so that no frame of ours shows it
        return self._write(set_secret, name, value, create=create, tags=tags)

    def update(self, name: str, values: Mapping[str, Any]) -> SecretInfo:
        """Merge keys into a secret; other keys stay, also those written at the same moment by somebody else.

        Args:
            name: a name of the stack, or a reference. If there is no such secret, it is made.
            values: keys and their new JSON values.

        Raises:
            Conflict: if other writers came first again and again.
            Unsupported: if the backend has no safe way to do that, or cannot keep such a value.
            InvalidReference: if the secret is text and has no keys.
        """
        values = wrap(values)
        return self._write(update_secret, name, values)

    def delete(self, name: str) -> None:
        """Delete a secret, recoverably where the backend can; in a one-document stack, one key.

        Args:
            name: a name of the stack, or a reference; with `#KEY`, that one key.

        Raises:
            SecretNotFound: if there is none.
        """
        self._write(delete_secret, name)

    def close(self) -> None:
        """Release connections and forget what was read. The store can be used again afterwards."""
        self._forget()
        self._threads.close()
        self._resolver.chain.close()

    # -- inside --------------------------------------------------------------------------------------

    def _found(
        self,
        name: str,
        key: str | None = None,
        version: str | None = None,
        *,
        fresh: bool = False,
        batched: Batched | None = None,
    ) -> Cached:
        _active.READS.get().count += 1
        answers = self._answers  # a write puts a new dict in its place, so an answer from before it is not kept
        if not fresh and not _active.OVERRIDES:
            answer = answers.get((name, key, version))
            if answer is not None and monotonic() < answer.expires:
                return answer
        try:
            found = self._resolver.read(name, key, version, fresh=fresh, batched=batched)
        finally:
            if fresh and self._answers is answers:  # other names must not say what the document said before
                answers = self._answers = {}
        if self.stack.cache_ttl and not _active.OVERRIDES:
            answers[name, key, version] = found
        return found

    def _write(self, write: Callable[..., T], *args: Any, **options: Any) -> T:
        try:
            return write(self._resolver, *args, **options)
        except (SecretError, TypeError) as error:
            failure = error.with_traceback(None)  # the frames below hold the value as a backend takes it
        finally:
            self._forget()
        raise failure

    def _forget(self) -> None:
        self._resolver.forget()
        self._answers = {}

    def _after_fork(self) -> None:
        self._threads.reset()
        self._resolver.reset()


def open_store(
    stack: str | None = None, config: Mapping[str, Any] | str | os.PathLike[str] | None = None
) -> SecretStore:
    """Return the store of a stack.

    Args:
        stack: the stack's name; if None, the active one, then `TACENDA_STACK`, then the configuration's default.
        config: a configuration file, or a mapping like one (which may hold credentials); if None, the file that
            is found from the working directory upwards, or that `TACENDA_CONFIG` names.

    Raises:
        ConfigurationError: if the configuration is wrong, or there is no such stack.

    Example:
        >>> open_store(config={"stacks": {"dev": {"secrets": {"provider": "env"}}}})
        <SecretStore stack='dev' providers=['env']>
    """
    if stack is None and config is None and (described := _active.described_stack()) is not None:
        return SecretStore(described)
    if stack is None and not isinstance(config, Mapping):  # a mapping knows its own default
        stack = _active.chosen_stack()
    return SecretStore(_configuration(config).stack(stack))


def _configuration(config: Mapping[str, Any] | str | os.PathLike[str] | None) -> Configuration:
    if config is None:
        return find_configuration()
    if isinstance(config, Mapping):
        return from_mapping(config)
    from pathlib import Path

    return load_file(Path(os.path.expanduser(config)), trusted=True)


def _reset_after_fork() -> None:
    for store in list(_OPEN):
        store._after_fork()  # noqa: SLF001 - our own class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
