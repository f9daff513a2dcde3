"""tacenda's providers as types of Metaflow's: `vault.NAME`, `{"type": "vault", "id": …, "options": {settings}}`.

`@secrets` reads its own sources of these types in one call with the others. What is here is for everybody else who asks
Metaflow for a provider, such as `get_secret()`.
"""

from __future__ import annotations

from typing import Any

from metaflow.plugins.secrets import SecretsProvider

__all__ = ["EnvProvider", "FilesProvider", "LocalProvider", "VaultProvider"]


class TacendaProvider(SecretsProvider):
    """A type of secrets that a provider of tacenda's serves.

    Without options it is asked as the stack in force has it; options are its settings, and `env_var_name` the variable
    of a text.
    """

    served_by_tacenda = True

    def get_secret_as_dict(
        self, secret_id: str, options: dict[str, Any] | None = None, role: str | None = None
    ) -> dict[str, str]:
        """Return a secret as environment variables: its keys, or its name; numbers and nested values are JSON.

        Raises:
            MetaflowException: with every place that was asked.
        """
        from metaflow_extensions.tacenda.plugins.sources._get_secret import variables_of

        return variables_of({"type": self.TYPE, "id": secret_id, "options": options or {}, "role": role})


class EnvProvider(TacendaProvider):
    """Environment variables."""

    TYPE = "env"


class FilesProvider(TacendaProvider):
    """Mounted files."""

    TYPE = "files"


class LocalProvider(TacendaProvider):
    """A file of one's own, also encrypted."""

    TYPE = "local"


class VaultProvider(TacendaProvider):
    """HashiCorp Vault and OpenBao."""

    TYPE = "vault"
