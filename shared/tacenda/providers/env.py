"""Environment variables as a backend: read-only, exact, and never what tacenda itself put there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from tacenda._errors import InvalidReference, SecretNotFound
from tacenda._naming import INJECTED, env_name
from tacenda._values import SecretInfo
from tacenda.providers._base import Capabilities, Document, Place, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["EnvProvider"]


class EnvProvider(Provider):
    """Reads secrets from this process's environment variables.

    The exact variable comes first, then the generic spelling: `my-key` is `my-key`, then `MY_KEY`. A key of a
    secret is a variable of its own (`DB_PASSWORD`), or a key of a JSON object in the secret's variable (`DB`).
    An empty variable is an empty secret.

    Args:
        settings: `prefix`, which every name has in the environment.
        base: not used.

    Example:
        >>> from pathlib import Path
        >>> [place.path for place in EnvProvider({}, Path()).places("my-key")]
        ['my-key', 'MY_KEY']
    """

    backend = "env"
    settings_help: ClassVar[Mapping[str, str]] = {"prefix": "what every variable's name starts with, such as MYAPP_"}
    capabilities = Capabilities(list=True, binary=False)

    def places(self, name: str, key: str | None = None) -> Sequence[Place]:
        """Return the variables that may hold a name, best first; with a key, `NAME_KEY` before JSON in `NAME`."""
        full = f"{self.settings.get('prefix') or ''}{name}"
        whole = [Place(self.path_of(variable), () if key is None else (key,)) for variable in _spellings(full)]
        if key is None:
            return whole
        return [Place(self.path_of(variable)) for variable in _spellings(full, key)] + whole

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a variable's value; bytes that are no UTF-8 come as bytes.

        Raises:
            SecretNotFound: if it is not set, or tacenda itself set it for somebody else to read.
            Unsupported: if a version is asked for.
        """
        if version is not None:
            raise self.unsupported("keep versions")
        variable = unquote(path)
        if variable not in os.environ:
            raise SecretNotFound(f"the environment variable {variable!r} is not set", name=variable)
        if variable in _injected():
            raise SecretNotFound(
                f"the environment variable {variable!r} was set by tacenda, and is not read back", name=variable
            )
        return Document(_exact(os.environ[variable]))

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the variables whose names start with a prefix.

        Raises:
            Unsupported: without a prefix: most of an environment is none of anybody's secrets.
        """
        if not prefix:
            raise self.unsupported(
                "tell which variables are secrets, so it lists none without a prefix",
                "give a prefix, or set `prefix` in the stack",
            )
        ours = _injected()
        names = sorted(name for name in os.environ if name.startswith(prefix) and name not in ours)
        return (SecretInfo(name, self.backend) for name in names)

    def describe(self) -> str:
        """Return the prefix, if there is one."""
        prefix = self.settings.get("prefix")
        return f"the environment (variables {prefix}*)" if prefix else "the environment"


def _spellings(name: str, key: str | None = None) -> list[str]:
    exact = name if key is None else f"{name}_{key}"
    try:
        return list(dict.fromkeys([exact, env_name(name, key)]))
    except InvalidReference:  # it starts with a digit, say: then only the exact spelling can be meant
        return [exact]


def _injected() -> set[str]:
    return set(os.environ.get(INJECTED, "").split(","))


def _exact(value: str) -> str | bytes:
    # Python hands out bytes that are no UTF-8 as lone surrogates, which nothing else could encode again.
    raw = os.fsencode(value)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
