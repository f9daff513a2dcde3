"""HashiCorp Vault and OpenBao: the key-value engine. Reads are plain requests, logins and writes go through hvac.

A cold read with a token is one request: no probe of the mount's version, no look at the token.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

from tacenda._errors import ConfigurationError, InvalidReference
from tacenda._naming import spell
from tacenda.providers._base import Place, Provider
from tacenda.providers._shared_clients import NETWORK, Connections, SharedClients, connection_key
from tacenda.providers._vault_auth import CREDENTIALS, auth_settings
from tacenda.providers._vault_client import Client
from tacenda.providers._vault_fields import encoded, oversize, rounded
from tacenda.providers._vault_kv import KvV1, KvV2, Location
from tacenda.providers._vault_transport import address

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from tacenda._reference import Reference
    from tacenda._values import SecretBytes, SecretInfo
    from tacenda.providers._base import Change, Document, Value

__all__ = ["VaultProvider"]

_V1 = "KV version 1 has no versions, tags or check-and-set; use a version 2 mount, or write whole secrets"


_CLIENTS: SharedClients[Client] = SharedClients()
_PLACES = ("kv_version", "prefix", "vault_mount", "vault_path")
"""Settings that say where a secret is on a server, and nothing about the connection to it."""
_VARIABLES = ("VAULT_", *NETWORK)


class VaultProvider(Provider):
    """Secrets in Vault's key-value engine, version 2 or 1.

    A path is the mount as one escaped segment, then the document: `team%2Fkv/ml/training`. A text lives in the
    field `value`. On KV v1, which cannot compare before it writes, `create`, `update` and single keys of a
    `vault_path` are refused rather than done unsafely.

    Raises:
        ConfigurationError: for an address that is missing or unsafe, or a setting that means nothing.
    """

    backend = "vault"
    document_setting = "vault_path"
    credential_settings = CREDENTIALS
    settings_help: ClassVar[Mapping[str, str]] = {
        "vault_url": "address of the server, such as https://vault.example.com:8200; else VAULT_ADDR",
        "vault_mount": "mount of the key-value engine; `secret` if not set",
        "vault_path": "the one document whose keys are the secrets",
        "prefix": "what every name starts with, such as `ml/`",
        "namespace": "namespace; else VAULT_NAMESPACE",
        "kv_version": "version of the key-value engine, 1 or 2; 2 if not set",
        "auth": "token, approle, kubernetes, jwt or userpass; or a mapping: method, mount, role, username, jwt_path …",
        "ca_cert": "file of the certificate authority; else VAULT_CACERT",
        "allow_http": "true allows http beyond this machine",
    }

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        self._mount = str(settings.get("vault_mount") or "secret").strip("/")
        self._url = address(settings)
        auth_settings(settings)
        self._engine = self._engine_of(settings.get("kv_version", 2))
        self.capabilities = self._engine.capabilities
        self.reset()

    # -- names ---------------------------------------------------------------------------------------

    def path_of(self, name: str) -> str:
        """Return the path of a document in the configured mount."""
        return _path(self._mount, name.strip("/"))

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads: its mount is the configured one, slashes and all, else its first segment."""
        segments, configured = reference.segments(), self._mount.split("/")
        length = len(configured) if segments[: len(configured)] == configured else 1
        mount, document = "/".join(segments[:length]), "/".join(segments[length:])
        if not document:
            raise InvalidReference(
                f"{reference} names a mount but no secret", name=str(reference), hint="write vault://MOUNT/PATH[#KEY]"
            )
        return Place(_path(mount, document), reference.keys)

    def describe(self) -> str:
        """Return the server's address, and the namespace if there is one."""
        namespace = self.settings.get("namespace") or os.environ.get("VAULT_NAMESPACE")
        return f"vault at {self._url}" + (f" (namespace {namespace})" if namespace else "")

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a document: one request."""
        if isinstance(self._engine, KvV2):
            return self._engine.read(self._at(path), version)
        if version is not None:
            raise self.unsupported("read earlier versions", _V1)
        return self._engine.read(self._at(path))

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a whole document; tags are its `custom_metadata`."""
        fields = self._fields(value)
        del value
        if isinstance(self._engine, KvV2):
            return self._engine.write(self._at(path), fields, create=create, tags=tags)
        if create or tags:
            raise self.unsupported("keep tags" if tags else "create a secret only if there is none", _V1)
        return self._engine.write(self._at(path), fields)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Read, change and write with check-and-set."""
        if isinstance(self._engine, KvV2):
            return self._engine.modify(self._at(path), change, self._fields)
        raise self.unsupported("update single keys safely", _V1)

    def delete(self, path: str) -> None:
        """Delete a document; on KV v2 its latest version, recoverably."""
        self._engine.delete(self._at(path))

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield names, reading folder by folder as far as they are asked for; `..` is refused as in names."""
        folder = prefix.rpartition("/")[0]
        if folder:
            self.path_of(folder)
        return self._engine.list(self._at(quote(self._mount, safe="")), prefix)

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return the metadata; on KV v1, which has none, only whether the document exists."""
        if isinstance(self._engine, KvV2):
            return self._engine.info(self._at(path), version)
        return super().info(path, version)

    # -- the connection ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise unless the server accepts our token or login, and has the mount in the version that is configured."""
        self._client().verify()
        self._engine.check(self._at(quote(self._mount, safe="")))

    def reset(self) -> None:
        """Forget the client with its login and connections."""
        self._connections = Connections(_CLIENTS)

    def close(self) -> None:
        """Close the connections, unless another stack entry uses them."""
        self._connections.close()

    def _client(self) -> Client:
        return self._connections.client(None, self._connection_key, self._new_client)

    def _new_client(self) -> Client:
        return Client(self._url, self.settings, self.base, self.describe(), self.protect)

    def _connection_key(self) -> Hashable:
        where = {name: value for name, value in self.settings.items() if name not in _PLACES}
        return connection_key({**where, "vault_url": self._url, "base": str(self.base)}, _VARIABLES)

    def _engine_of(self, version: object) -> KvV1 | KvV2:
        if str(version) not in ("1", "2"):
            raise ConfigurationError(f"vault: kv_version must be 1 or 2, not {version!r}")
        return KvV1(self._client) if str(version) == "1" else KvV2(self._client)

    def _at(self, path: str) -> Location:
        mount, _, document = path.partition("/")
        return Location(quote(unquote(mount), safe="/"), document, self.label(Place(path)))

    def _fields(self, value: Value) -> SecretBytes:
        fields = encoded(value)
        inexact = isinstance(self._engine, KvV2) and rounded(value)
        del value
        if oversize(fields):
            raise self.too_large()
        if inexact:
            raise self.unsupported("keep integers beyond 2**53 exactly", "write them as text")
        return fields


def _path(mount: str, document: str) -> str:
    """Return a document's path, escaped.

    Raises:
        InvalidReference: if Vault would refuse it, or read it as another path.
    """
    spell("vault", f"{mount}/{document}")
    return f"{quote(mount, safe='')}/{quote(document, safe='/')}"
