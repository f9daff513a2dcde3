"""A stack: a named environment and the chain of providers that serves it, as plain settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda import _registry
from tacenda._errors import ConfigurationError
from tacenda.masking._policy import NON_SECRET_KEYS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CACHE_TTL", "TACENDA_DEADLINE", "Stack", "stack_from_mapping"]

CACHE_TTL = 300.0
"""How long a document serves from memory unless the stack says otherwise, in seconds."""
TACENDA_DEADLINE = "TACENDA_DEADLINE"
"""The environment variable that caps every retry, in seconds."""

_DEFAULT_CHAIN = ({"provider": "env"}, {"provider": "files"})
_SETTINGS = ("cache_ttl", "deadline", "non_secret_keys", "secrets")


class Stack(NamedTuple):
    """One environment, such as `dev` or `prod`.

    Attributes:
        name: its name in the configuration.
        entries: its chain: the first provider that has a secret serves it.
        base: the directory that relative paths start at.
        source: where it is configured, for messages.
        cache_ttl: how long a document serves from memory, in seconds; 0 is off.
        deadline: the longest a failing call is repeated, in seconds; None leaves it to the kind of failure.
        non_secret_keys: keys in lower case whose values are not masked.
    """

    name: str
    entries: tuple[_registry.Entry, ...]
    base: Path
    source: str
    cache_ttl: float = CACHE_TTL
    deadline: float | None = None
    non_secret_keys: AbstractSet[str] = NON_SECRET_KEYS

    def snapshot(self) -> dict[str, Any]:
        """Return the stack frozen as a mapping for `open_store(config=…)`, to be sent where the code will run.

        Relative paths go on starting at this directory: one that exists only here fails there, and says so.
        Credentials given by mapping stay behind.

        Example:
            >>> from pathlib import Path
            >>> snapshot = stack_from_mapping("dev", {"secrets": "env"}, Path("/work"), "example").snapshot()
            >>> snapshot["stacks"]["dev"]["secrets"]
            [{'provider': 'env'}]
        """
        settings: dict[str, Any] = {
            "secrets": [self._frozen(entry) for entry in self.entries],
            "cache_ttl": self.cache_ttl,
            "non_secret_keys": {
                "add": sorted(self.non_secret_keys - NON_SECRET_KEYS),
                "remove": sorted(NON_SECRET_KEYS - self.non_secret_keys),
            },
        }
        if self.deadline is not None:
            settings["deadline"] = self.deadline
        return {"base": str(self.base), "default_stack": self.name, "stacks": {self.name: settings}}

    def _frozen(self, entry: _registry.Entry) -> dict[str, Any]:
        secret = _registry.provider_class(entry.provider).credential_settings
        frozen: dict[str, Any] = {"provider": entry.provider}
        for name, value in entry.settings.items():
            if name not in secret:
                frozen[name] = (
                    {k: v for k, v in value.items() if k not in secret} if isinstance(value, Mapping) else value
                )
        return frozen


def stack_from_mapping(
    name: str, raw: Any, base: Path, source: str, *, credentials: bool = False, foreign: bool = False
) -> Stack:
    """Return the stack that a mapping describes, checked.

    Args:
        name: the stack's name.
        raw: what stands under `stacks.<name>`: `secrets` (an entry or a list of entries) and settings.
        base: the directory that relative paths start at.
        source: the file, for messages.
        credentials: whether entries may hold credentials.
        foreign: whether others' keys beside ours are expected (`flowyml.yaml`).

    Raises:
        ConfigurationError: naming the place.
    """
    where = f"{source}: stacks.{name}"
    settings = {} if raw is None else raw
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"{where} must be a mapping", hint="for example `secrets: {provider: env}`")
    unknown = [key for key in settings if key not in _SETTINGS]
    if unknown and not foreign:
        raise ConfigurationError(
            f"{where}: `{unknown[0]}` is not a setting of a stack{_registry.did_you_mean(str(unknown[0]), _SETTINGS)}",
            hint=f"the settings are: {', '.join(_SETTINGS)}",
        )
    chain = settings.get("secrets")
    if chain is None:
        chain = list(_DEFAULT_CHAIN)
    if not chain:
        raise ConfigurationError(
            f"{where}.secrets names no provider", hint="name one, or leave `secrets` out for env, then files"
        )
    entries = chain if isinstance(chain, list) else [chain]
    return Stack(
        name=name,
        entries=tuple(_registry.entry(item, f"{where}.secrets", credentials=credentials) for item in entries),
        base=base,
        source=source,
        cache_ttl=_seconds(settings.get("cache_ttl", CACHE_TTL), f"{where}.cache_ttl"),
        deadline=_deadline(settings.get("deadline"), where),
        non_secret_keys=_keys(settings.get("non_secret_keys"), f"{where}.non_secret_keys"),
    )


def _deadline(configured: Any, where: str) -> float | None:
    override = os.environ.get(TACENDA_DEADLINE)
    if override:
        return _seconds(override, TACENDA_DEADLINE)
    return None if configured is None else _seconds(configured, f"{where}.deadline")


def _seconds(value: Any, place: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf") or isinstance(value, bool):
        raise ConfigurationError(f"{place} must be a number of seconds, 0 or more")
    return seconds


def _keys(raw: Any, place: str) -> AbstractSet[str]:
    if raw is None:
        return NON_SECRET_KEYS
    changes = {"add": raw} if isinstance(raw, list) else raw
    if (
        not isinstance(changes, Mapping)
        or not set(changes) <= {"add", "remove"}
        or not all(isinstance(keys, list) for keys in changes.values())
    ):
        raise ConfigurationError(f"{place} must be a list of keys to add, or a mapping with lists `add` and `remove`")
    add, remove = ({str(key).lower() for key in changes.get(part) or ()} for part in ("add", "remove"))
    return (NON_SECRET_KEYS | add) - remove
