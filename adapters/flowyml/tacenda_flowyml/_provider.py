"""The provider that FlowyML's factory hands out: its `SecretsProvider` interface in front of a tacenda store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tacenda._errors import SecretNotFound, Unsupported
from tacenda._process import store_of
from tacenda._register import register
from tacenda._values import exact_text, wrap

if TYPE_CHECKING:
    from tacenda import Secret, SecretStore
    from tacenda._stack import Stack

__all__ = ["EnvironmentSecretsProvider", "StackSecretsProvider", "provider_of", "provider_on"]


def provider_of(stack: Stack) -> StackSecretsProvider:
    """Return the provider of a stack; providers of equal stacks share one store, one login and one cache."""
    return provider_on(store_of(stack))


def provider_on(store: SecretStore) -> StackSecretsProvider:
    """Return the provider in front of a store; its kind where the environment is all that could be written."""
    names = [entry.provider for entry in store.stack.entries]
    if names[0] == "env" and set(names) <= {"env", "files"}:
        return EnvironmentSecretsProvider(store)
    return StackSecretsProvider(store)


class StackSecretsProvider:
    """FlowyML's `SecretsProvider`, with `delete_secret` as documented.

    Every method raises an error of `tacenda.errors` if the backend could not be asked or may not be written.

    Args:
        store: where the secrets are.
    """

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"<{type(self).__name__} stack={self._store.stack.name!r} provider={self.provider_name!r}>"

    @property
    def provider_name(self) -> str:
        """The provider's documented name, such as `vault`; of a chain, all of them."""
        return ", ".join(entry.provider for entry in self._store.stack.entries)

    def get_secret(self, key: str) -> Secret | None:
        """Return a secret's exact text; None only if there is none, or if it is JSON's null.

        Args:
            key: a name in the stack, or a reference such as `vault://secret/ml/training#DB_PASSWORD`.
        """
        value = self._store.get(key, default=None)
        return None if value is None else exact_text(value)

    def get_secrets(self, keys: Iterable[str]) -> dict[str, Secret | None]:
        """Return several secrets, each as `get_secret` does."""
        return {key: self.get_secret(key) for key in keys}

    def list_secrets(self) -> list[str]:
        """Return the names that there are, sorted: of a document, its keys."""
        return sorted(info.name for info in self._store.list())

    def set_secret(self, key: str, value: str) -> None:
        """Write a secret; in a document, this one key: the others stay as they are."""
        value = wrap(value)  # so that no frame of ours shows it
        self._store.set(key, value)

    def delete_secret(self, key: str) -> None:
        """Delete a secret; in a document, this one key.

        Raises:
            SecretNotFound: if there is none.
        """
        self._store.delete(key)


class EnvironmentSecretsProvider(StackSecretsProvider):
    """FlowyML's `env`: unlike tacenda's it can be written, for this process and those that it starts.

    Args:
        store: a store on `env`.

    Attributes:
        lists_all: whether `list_secrets` without a prefix returns the names of all variables, as FlowyML's own does.
    """

    def __init__(self, store: SecretStore) -> None:
        super().__init__(store)
        self.lists_all = False
        self._prefix = str(store.stack.entries[0].settings.get("prefix") or "")

    def list_secrets(self) -> list[str]:
        """Return the variables with the prefix, without it.

        Raises:
            Unsupported: without a prefix: most of an environment is none of anybody's secrets.
        """
        return sorted(os.environ) if self.lists_all and not self._prefix else super().list_secrets()

    def set_secret(self, key: str, value: str) -> None:
        """Set an environment variable."""
        value = wrap(value)
        try:
            super().set_secret(key, value)  # succeeds in a user's test only: there is tacenda.testing.override
        except Unsupported:
            register(value, f"env://{self._prefix}{key}")
            os.environ[self._prefix + key] = value
            self._store.close()  # forgets what it has read

    def delete_secret(self, key: str) -> None:
        """Remove an environment variable.

        Raises:
            SecretNotFound: if it is not set.
        """
        try:
            super().delete_secret(key)
        except Unsupported:
            variable = self._prefix + key
            if os.environ.pop(variable, None) is None:
                raise SecretNotFound(f"the environment variable {variable!r} is not set", name=key) from None
            self._store.close()
