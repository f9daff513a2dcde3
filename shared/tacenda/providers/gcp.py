"""Google Cloud Secret Manager. A read is one call of AccessSecretVersion: the role Secret Accessor is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tacenda.providers._base import Capabilities, Place, Provider
from tacenda.providers._gcp_client import Client
from tacenda.providers._gcp_names import SecretName, endpoint, path_of, project, secret_name
from tacenda.providers._gcp_payload import MAX_BYTES, Payload, encoded
from tacenda.providers._gcp_secrets import Secrets, check_labels
from tacenda.providers._gcp_update import modify
from tacenda.providers._shared_clients import NETWORK, Connections, SharedClients, connection_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tacenda._reference import Reference
    from tacenda._values import SecretInfo
    from tacenda.providers._base import Change, Document, Value
    from tacenda.providers._gcp_names import Endpoint

__all__ = ["GcpProvider"]

_CLIENTS: SharedClients[Client] = SharedClients()
_VARIABLES = (
    "AWS_",  # a workload identity of AWS
    "CLOUDSDK_",
    "GCE_METADATA",
    "GCLOUD_PROJECT",
    "GOOGLE_",
    "GRPC_",
    "NO_GCE_CHECK",
    *NETWORK,
)


class GcpProvider(Provider):
    """Secrets in Secret Manager, global and regional, by Application Default Credentials.

    A path is `[PROJECT/[locations/LOCATION/]]NAME`. A text is kept as UTF-8 and several keys as a JSON object, as
    `gcloud secrets create --data-file` keeps them; bytes are kept as they are. What kind of value it was is not kept
    (it would be in the secret's settings, which a reader need not be allowed to see): bytes that are valid UTF-8
    come back as text, whose `encode()` are the same bytes. Tags are labels.

    Deleting is for good: Secret Manager keeps no deleted secrets. `update` takes turns by an annotation of the secret
    (see `_gcp_update`), and needs the permissions `secretmanager.secrets.get` and `.update` for it.

    Raises:
        ConfigurationError: for an endpoint that is unsafe or no host, or an impossible project.
    """

    backend = "gcp"
    capabilities = Capabilities(
        write=True,
        delete=True,
        list=True,
        update=True,
        create=True,
        versions=True,
        tags=True,
        times=True,
        empty=False,  # the service refuses a payload without bytes
        slashes=False,
        max_bytes=MAX_BYTES,
    )
    settings_help: ClassVar[Mapping[str, str]] = {
        "project_id": "project; else GOOGLE_CLOUD_PROJECT, or that of the login",
        "prefix": "what every name starts with, such as `ml-`",
        "api_endpoint": "host of the API: secretmanager.LOCATION.rep.googleapis.com for regional secrets; "
        "http://127.0.0.1:PORT for an emulator",
        "allow_http": "true allows an emulator beyond this machine",
    }

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        self._endpoint = endpoint(settings)
        self._project = project(settings)
        self.reset()

    # -- names ---------------------------------------------------------------------------------------

    def path_of(self, name: str) -> str:
        """Return the path of a secret in the configured project."""
        return path_of(SecretName(self._project, self._endpoint.location, name))

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads; a name alone is in the configured project."""
        at = secret_name(reference.path, self._project, self._endpoint.location)
        return Place(path_of(at), reference.keys)

    def describe(self) -> str:
        """Return the server, and the project if it is configured."""
        project = f" (project {self._project})" if self._project else ""
        return f"{self._endpoint}{project}"

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a version: one request."""
        secrets, at = self._at(path)
        return secrets.read(at, version)

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a new version, of a new secret if there is none; tags are labels, beside those of others."""
        check_labels(tags, self.describe())
        payload = encoded(value)
        del value  # here, too: no error's frame shows it
        self._refuse_size(payload)
        secrets, at = self._at(path)
        return secrets.write(at, payload, create=create, labels=tags)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Read, change and write while no other updater does, and again if somebody else wrote meanwhile."""
        secrets, at = self._at(path)
        return modify(secrets, at, change, self._payload)

    def delete(self, path: str) -> None:
        """Delete a secret with all its versions, for good."""
        secrets, at = self._at(path)
        secrets.delete(at)

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the secrets of the project (and location) whose names start with a prefix."""
        if prefix and not _legal(prefix):
            return iter(())
        secrets, at = self._place()
        return secrets.list(at, prefix)

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return version, times and labels; needs the role Secret Manager Viewer."""
        secrets, at = self._at(path)
        return secrets.info(at, version)

    # -- the connection ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise unless the server accepts our login; that it may not list is fine."""
        secrets, at = self._place()
        secrets.check(at)

    def reset(self) -> None:
        """Forget the clients with their logins and connections."""
        self._connections = Connections(_CLIENTS)

    def close(self) -> None:
        """Close the connections, unless another stack entry uses them."""
        self._connections.close()

    def _at(self, path: str) -> tuple[Secrets, SecretName]:
        at = secret_name(path, self._project, self._endpoint.location)
        secrets = self._secrets(self._endpoint.serving(at.location))
        return secrets, secrets.client.at(at)

    def _place(self) -> tuple[Secrets, SecretName]:
        secrets = self._secrets(self._endpoint)
        return secrets, secrets.client.at(SecretName(self._project, self._endpoint.location))

    def _secrets(self, where: Endpoint) -> Secrets:
        connection = {"endpoint": repr(where), "project": self._project}
        return Secrets(
            self._connections.client(
                where,
                lambda: connection_key(connection, _VARIABLES),
                lambda: Client(where, self.protect, self._project),
            )
        )

    def _payload(self, value: Value) -> Payload:
        payload = encoded(value)
        del value
        self._refuse_size(payload)
        return payload

    def _refuse_size(self, payload: Payload) -> None:
        if not payload.data:
            raise self.unsupported("keep an empty value", "delete the secret, or write a word for it")
        if len(payload.data) > MAX_BYTES:
            raise self.too_large()


def _legal(prefix: str) -> bool:
    return all(sign.isascii() and (sign.isalnum() or sign in "_-") for sign in prefix)
