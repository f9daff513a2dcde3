"""Azure Key Vault: logins through azure-identity, secrets through azure-keyvault-secrets, but for plain reads.

A read is one request, besides the login and the one without a login that tells where to log in: one per process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

from tacenda._errors import ConfigurationError, InvalidReference
from tacenda.providers._azure_client import Client
from tacenda.providers._azure_credential import CREDENTIALS, LOGIN_SETTINGS
from tacenda.providers._azure_names import NAME_TAG, azure_name, is_azure_name
from tacenda.providers._azure_secrets import Location, Secrets
from tacenda.providers._azure_values import MAX_BYTES, MAX_TAGS, encoded
from tacenda.providers._azure_vault import authority_of, configured_host, known_host
from tacenda.providers._base import Capabilities, Place, Provider
from tacenda.providers._shared_clients import NETWORK, Connections, SharedClients, connection_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from tacenda._reference import Reference
    from tacenda._values import SecretInfo
    from tacenda.providers._base import Change, Document, Value

__all__ = ["AzureProvider"]

_CLIENTS: SharedClients[Client] = SharedClients()
_VARIABLES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "PATH", *NETWORK)  # on PATH, `az` is a login
_NO_COMPARISON = "Key Vault has no ETag to compare before it writes, so another writer's work could be lost"


class AzureProvider(Provider):
    """Secrets in Azure Key Vault.

    A path is a name as it was asked for, `DB_PASSWORD`; or a vault's host and the name that the secret has there,
    `my-vault.vault.azure.net/DB-PASSWORD`.

    Raises:
        ConfigurationError: for an address that is no vault's.
    """

    backend = "azure"
    credential_settings = CREDENTIALS
    settings_help: ClassVar[Mapping[str, str]] = {
        "vault_url": "address of the vault, such as https://my-vault.vault.azure.net, or its name",
        "prefix": "what every name starts with, such as `ml-`",
        "tenant_id": "directory to log in to; else AZURE_TENANT_ID",
        "client_id": "application, or user-assigned managed identity, to log in as; else AZURE_CLIENT_ID",
        "authority": "where to log in; else AZURE_AUTHORITY_HOST, else what the vault's cloud uses",
        "disable_instance_discovery": "true if only the authority can be reached: Azure Stack, private clouds",
        "api_version": "version of Key Vault's interface, for a server that has not the newest",
    }
    capabilities = Capabilities(
        write=True, delete=True, list=True, versions=True, tags=True, times=True, slashes=False, max_bytes=MAX_BYTES
    )

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        self._host = configured_host(settings)
        self._secrets = Secrets(self._client)
        self.reset()

    # -- names ---------------------------------------------------------------------------------------

    def path_of(self, name: str) -> str:
        """Return the path of a name, as it is written here; Key Vault's own spelling of it must be legal."""
        azure_name(name)
        return quote(name, safe="")

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads: `azure://NAME` to the configured vault, `azure://HOST/NAME` to that one."""
        *vault, name = reference.segments()
        if not vault and not is_azure_name(name):
            return Place(self.path_of(name), reference.keys)  # `azure://DB_PASSWORD` is the name that tacenda wrote
        if len(vault) > 1 or not is_azure_name(name):
            raise InvalidReference(
                f"{reference} names no secret of a vault", name=str(reference), hint="write azure://[HOST/]NAME[#KEY]"
            )
        host = known_host(vault[0], self._host) if vault else self._vault()
        return Place(f"{quote(host, safe=':')}/{name}", reference.keys)

    def label(self, place: Place) -> str:
        """Return a place as messages show it: names that Key Vault cannot tell apart have one label."""
        host, name = self._split(place.path)
        folded = name.replace("_", "-").lower()
        path = quote(folded, safe="*")  # a listing is labelled with a pattern
        return super().label(place._replace(path=path if host in (None, self._host) else f"{host}/{path}"))

    def describe(self) -> str:
        """Return the vault's address."""
        return f"Azure Key Vault at https://{self._host}" if self._host else "Azure Key Vault"

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a document: one request."""
        return self._secrets.read(self._at(path), version)

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a whole document; one that was deleted is recovered first, so that its versions stay."""
        if create:
            raise self.unsupported(
                f"create a secret only if there is none: {_NO_COMPARISON}",
                "see that there is none with `tacenda ls`, then write it without `create`",
            )
        if tags and (len(tags) >= MAX_TAGS or NAME_TAG in tags):
            raise self.unsupported(f"keep more than {MAX_TAGS - 1} tags, or one called {NAME_TAG}", "leave it out")
        text = encoded(value)
        del value
        if text.oversize:
            raise self.too_large()
        return self._secrets.write(self._at(path), text, tags)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Refuse: Key Vault cannot compare before it writes."""
        raise self.unsupported(
            f"update single keys safely: {_NO_COMPARISON}",
            "write the whole secret with `set`, or a secret for each key",
        )

    def delete(self, path: str) -> None:
        """Delete a document; `az keyvault secret recover` brings it back."""
        self._secrets.delete(self._at(path))

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield names, page by page as far as they are asked for."""
        return self._secrets.list(self._vault(), prefix)

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return version, times and tags."""
        return self._secrets.info(self._at(path), version)

    # -- the connection ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise unless the vault accepts our login and lets it read; no secret's value is asked for."""
        self._secrets.check(self._vault())

    def reset(self) -> None:
        """Forget the clients with their logins and connections."""
        self._connections = Connections(_CLIENTS)

    def close(self) -> None:
        """Close the connections, unless another stack entry uses them."""
        self._connections.close()

    def _client(self, host: str) -> Client:
        authority = authority_of(host, self.settings)  # a reference may lead to a vault in another cloud
        return self._connections.client(
            authority,
            lambda: self._connection_key(authority),
            lambda: Client(self.settings, authority, self.protect),
        )

    def _connection_key(self, authority: str | None) -> Hashable:
        names = (*LOGIN_SETTINGS, "api_version")
        login = {name: self.settings[name] for name in names if name in self.settings}
        return connection_key({**login, "authority": authority}, _VARIABLES)

    def _vault(self) -> str:
        if self._host is None:
            raise ConfigurationError(
                "azure: there is no 'vault_url'", hint="set `vault_url: https://VAULT.vault.azure.net`"
            )
        return self._host

    def _split(self, path: str) -> tuple[str | None, str]:
        host, _, name = path.rpartition("/")
        return unquote(host) or None, unquote(name)

    def _at(self, path: str) -> Location:
        host, name = self._split(path)
        wanted = name if host is None else None
        return Location(host or self._vault(), azure_name(name), wanted, self.label(Place(path)))
