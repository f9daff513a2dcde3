"""What a task declares: which secrets, and where each is to be."""

from __future__ import annotations

from typing import Any, NamedTuple

from tacenda._naming import spell
from tacenda.errors import InvalidReference
from tacenda_flyte.flyte._names import refuse_newline

__all__ = ["Declared", "declarations"]


class Declared(NamedTuple):
    """A declared secret.

    Attributes:
        key: the key, or without a group the secret's name.
        group: the secret that has the key, if a group is declared.
        variable: the environment variable that it is to be in.
        file: the name of the file that it is to be in.
    """

    key: str
    group: str | None
    variable: str | None
    file: str | None

    @property
    def name(self) -> str:
        """What the stack is asked for."""
        return f"{self.group}#{self.key}" if self.group else self.key

    @property
    def shown(self) -> str:
        """What a message calls it."""
        return f"{self.key!r} of group {self.group!r}" if self.group else repr(self.key)


def declarations(request: Any) -> list[Declared]:
    """Return what a task's `secrets` mean: a text, one `Secret`, or a list of them.

    Args:
        request: as upstream's `SecretRequest`.

    Raises:
        ValueError: if a secret has no legal variable and names none; the message is upstream's.
        InvalidReference: if a mounted secret's key is no name for a file.
    """
    if not request:
        return []
    from flyte._secret import secrets_from_request

    return list(dict.fromkeys(_declared(secret) for secret in secrets_from_request(request)))


def _declared(secret: Any) -> Declared:
    refuse_newline(secret)  # it may be older than the patch that refuses it at once
    return Declared(secret.key, secret.group, secret.as_env_var, _file(secret.key) if secret.mount else None)


def _file(key: str) -> str:
    if "/" in key:
        raise InvalidReference(
            f"{key!r} cannot be mounted: its key is no file name",
            hint="give it as_env_var instead of mount, or keep it under a plain name",
        )
    return spell("flyte_file", key)
