"""The secrets and versions that the double keeps in memory, and the rules of changing them."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import google_crc32c
import grpc
from google.cloud.secretmanager_v1 import types

from tacenda.testing._gcp._errors import Refused, failed_precondition, invalid_argument, not_found
from tacenda.testing._gcp._names import LATEST, Resource

__all__ = ["MAX_PAYLOAD", "Store", "StoredSecret", "StoredVersion"]

MAX_PAYLOAD = 65_536

SecretMessage = types.Secret.pb()
VersionMessage = types.SecretVersion.pb()
STATES = types.SecretVersion.State

_etags = itertools.count(int(time.time() * 1_000_000))


@dataclass
class StoredVersion:
    """A version: its message as the service shows it, and its payload."""

    message: Any
    payload: bytes = field(repr=False)


@dataclass
class StoredSecret:
    """A secret: its message, and its versions from the oldest on."""

    message: Any
    versions: list[StoredVersion] = field(default_factory=list)


class Store:
    """All secrets of all projects; a caller holds the service's lock."""

    def __init__(self) -> None:
        self._secrets: dict[Resource, StoredSecret] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._secrets.clear()

    def find(self, name: Resource) -> StoredSecret | None:
        """Return a secret, or None if there is none or it has expired."""
        secret = self._secrets.get(name.without_version())
        if secret and secret.message.HasField("expire_time") and secret.message.expire_time.ToSeconds() < time.time():
            del self._secrets[name.without_version()]
            return None
        return secret

    def secret(self, name: Resource) -> StoredSecret:
        """Return a secret, or raise NOT_FOUND."""
        secret = self.find(name)
        if secret is None:
            raise not_found(f"Secret [{name.without_version()}] not found.")
        return secret

    def version(self, name: Resource) -> StoredVersion:
        """Return a version by number, alias or `latest`: the one created last, in whatever state it is."""
        secret = self.find(name)
        if secret is None or not secret.versions:
            raise not_found(f"Secret [{name.without_version()}] not found or has no versions.")
        wanted = name.version or LATEST
        if wanted == LATEST:
            number = len(secret.versions)
        else:
            number = int(wanted) if wanted.isdigit() else secret.message.version_aliases.get(wanted, 0)
        if not 1 <= number <= len(secret.versions):
            raise not_found(f"Secret Version [{name}] not found.")
        return secret.versions[number - 1]

    def all(self, parent: Resource) -> list[StoredSecret]:
        """Return the secrets of a project or location, sorted by name as the service does."""
        names = sorted((name for name in self._secrets if name.parent == parent), key=str)
        return [secret for secret in map(self.find, names) if secret]

    def create(self, name: Resource, message: Any) -> StoredSecret:
        """Add a secret, or raise ALREADY_EXISTS."""
        if self.find(name):
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        stored = SecretMessage()
        stored.CopyFrom(message)
        stored.name = str(name)
        stored.create_time.GetCurrentTime()
        secret = StoredSecret(stored)
        touch(secret)
        self._secrets[name] = secret
        return secret

    def delete(self, name: Resource) -> None:
        """Remove a secret with all its versions, at once and for good."""
        self.secret(name)
        del self._secrets[name]

    def add_version(self, name: Resource, payload: Any) -> StoredVersion:
        """Add a version, after the checks of its payload."""
        secret = self.secret(name)
        _check_payload(payload)
        message = VersionMessage(name=str(name.at(len(secret.versions) + 1)), state=STATES.ENABLED)
        message.create_time.GetCurrentTime()
        message.client_specified_payload_checksum = payload.HasField("data_crc32c")
        _replicate(message, secret.message.replication)
        version = StoredVersion(message, payload.data)
        touch(version)
        secret.versions.append(version)
        return version

    def set_state(self, name: Resource, state: Any) -> StoredVersion:
        """Enable, disable or destroy a version; what is destroyed stays so."""
        version = self.version(name)
        if version.message.state == STATES.DESTROYED:
            raise failed_precondition(f"Secret Version [{version.message.name}] is in DESTROYED state.")
        version.message.state = state
        if state == STATES.DESTROYED:
            version.message.destroy_time.GetCurrentTime()
            version.payload = b""
        touch(version)
        return version


def touch(stored: StoredSecret | StoredVersion) -> None:
    """Give a new entity tag to what was changed; quotation marks belong to it (documentation: Etags)."""
    stored.message.etag = f'"{next(_etags):x}"'


def _check_payload(payload: Any) -> None:
    if not payload.data:
        raise invalid_argument("Secret Payload cannot be empty.")
    if len(payload.data) > MAX_PAYLOAD:
        raise invalid_argument(
            f"The secret payload is {len(payload.data)} bytes, which is larger than the limit of {MAX_PAYLOAD} bytes."
        )
    if payload.HasField("data_crc32c") and payload.data_crc32c != google_crc32c.value(payload.data):
        raise invalid_argument("The checksum of the secret payload does not match its data.")


def _replicate(version: Any, replication: Any) -> None:
    if replication.HasField("user_managed"):
        for replica in replication.user_managed.replicas:
            version.replication_status.user_managed.replicas.add(location=replica.location)
    elif replication.HasField("automatic"):
        version.replication_status.automatic.SetInParent()
