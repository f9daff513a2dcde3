"""The secrets manager of ZenML's documentation, in front of tacenda's stack. Imported when it is first used."""

from __future__ import annotations

from typing import Any, NoReturn

import tacenda
from tacenda import SecretBundle
from tacenda._active import use_stack
from tacenda._process import process_store
from tacenda.errors import Unsupported

__all__ = ["RetrievedSecret", "SecretsManager"]


class RetrievedSecret:
    """A secret of a secrets manager: `name`, `content`, and each key as an attribute.

    Attributes:
        name: the secret's name.
        content: all its key-value pairs, a read-only dict; a text secret is one pair, `value`.

    Example:
        >>> secret = RetrievedSecret("db", SecretBundle({"PASSWORD": "example-password"}))
        >>> secret.PASSWORD == secret.content["PASSWORD"] == "example-password"
        True
        >>> secret
        <RetrievedSecret 'db' [masked] keys=['PASSWORD']>
    """

    __slots__ = ("content", "name")

    def __init__(self, name: str, content: SecretBundle) -> None:
        self.name = name
        self.content = content

    def __getattr__(self, attribute: str) -> Any:
        if attribute in RetrievedSecret.__slots__:  # not set yet, in a copy that is being made
            raise AttributeError(attribute)
        return SecretBundle.__getattr__(self.content, attribute)  # not dict's methods: `values` may be a key

    def __repr__(self) -> str:
        return f"<RetrievedSecret {self.name!r} [masked] keys={sorted(self.content)}>"


class SecretsManager:
    """Reads the secrets of tacenda's stack, whichever is active.

    Args:
        stack: the name of ZenML's stack: tacenda's of the same name serves, unless another one is chosen.
    """

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def __repr__(self) -> str:
        return f"<tacenda's secrets manager of the ZenML stack {self._stack!r}>"

    def get_secret(self, secret_name: str) -> RetrievedSecret:
        """Return a secret.

        Raises:
            tacenda.errors.SecretNotFound: a `KeyError`: nobody has it; the message lists each place that was asked.
            tacenda.errors.SecretError: it could not be asked for, which is no `KeyError`.
        """
        with use_stack(self._stack, if_configured=True):
            value = tacenda.get(secret_name)
        content = value if isinstance(value, SecretBundle) else SecretBundle({"value": value}, secret_name)
        return RetrievedSecret(secret_name, content)

    def get_all_secret_keys(self) -> list[str]:
        """Return the names of all secrets, as far as the stack's providers can list them."""
        with use_stack(self._stack, if_configured=True):
            return [info.name for info in process_store().list()]

    def register_secret(self, secret: Any) -> NoReturn:
        """Refuse: this release reads only."""
        _read_only("set")

    def update_secret(self, secret: Any) -> NoReturn:
        """Refuse: this release reads only."""
        _read_only("update")

    def delete_secret(self, secret_name: str) -> NoReturn:
        """Refuse: this release reads only."""
        _read_only("rm")

    def delete_all_secrets(self) -> NoReturn:
        """Refuse: this release reads only."""
        _read_only("rm")


def _read_only(command: str) -> NoReturn:
    raise Unsupported(
        "this release of tacenda's secrets manager for ZenML only reads", hint=f"run `tacenda {command} NAME`"
    )
