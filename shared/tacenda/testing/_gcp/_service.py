"""The methods of `google.cloud.secretmanager.v1.SecretManagerService` over the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import google_crc32c
from google.cloud.secretmanager_v1 import types
from google.protobuf import empty_pb2

from tacenda.testing._gcp import _listing
from tacenda.testing._gcp._errors import failed_precondition, invalid_argument, permission_denied
from tacenda.testing._gcp._faults import Faults
from tacenda.testing._gcp._iam import Access
from tacenda.testing._gcp._names import Resource, parse
from tacenda.testing._gcp._secrets import check_id, check_new, update
from tacenda.testing._gcp._store import STATES, Store, StoredSecret, StoredVersion, touch

__all__ = ["METHODS", "OPERATOR", "Method", "Service"]

OPERATOR = "the operator of the test server"  # who may do everything, and whom no fault concerns


@dataclass(frozen=True)
class Method:
    """What a method takes and needs.

    Attributes:
        request: the class of its request's message.
        kind: what its request names: `parent`, `secret` or `version`.
        permission: the IAM permission that it needs, without the prefix `secretmanager.`.
        metric: the quota that it counts for.
        field: where in its request the name is.
    """

    request: Any
    kind: str
    permission: str
    metric: str
    field: str = "name"


def _message(name: str) -> Any:
    return getattr(types, f"{name}Request").pb()


METHODS = {
    "ListSecrets": Method(_message("ListSecrets"), "parent", "secrets.list", "Read", "parent"),
    "CreateSecret": Method(_message("CreateSecret"), "parent", "secrets.create", "Write", "parent"),
    "GetSecret": Method(_message("GetSecret"), "secret", "secrets.get", "Read"),
    "UpdateSecret": Method(_message("UpdateSecret"), "secret", "secrets.update", "Write", "secret.name"),
    "DeleteSecret": Method(_message("DeleteSecret"), "secret", "secrets.delete", "Write"),
    "AddSecretVersion": Method(_message("AddSecretVersion"), "secret", "versions.add", "Write", "parent"),
    "ListSecretVersions": Method(_message("ListSecretVersions"), "secret", "versions.list", "Read", "parent"),
    "GetSecretVersion": Method(_message("GetSecretVersion"), "version", "versions.get", "Read"),
    "AccessSecretVersion": Method(_message("AccessSecretVersion"), "version", "versions.access", "Access"),
    "EnableSecretVersion": Method(_message("EnableSecretVersion"), "version", "versions.enable", "Write"),
    "DisableSecretVersion": Method(_message("DisableSecretVersion"), "version", "versions.disable", "Write"),
    "DestroySecretVersion": Method(_message("DestroySecretVersion"), "version", "versions.destroy", "Write"),
}


class Service:
    """Serves requests, one at a time.

    Attributes:
        store: what it keeps.
        access: who may do what.
        faults: what is to go wrong.
        calls: what was asked, in the order seen; the operator's requests are left out.
    """

    def __init__(self) -> None:
        self.store = Store()
        self.access = Access()
        self.faults = Faults()
        self.calls: list[str] = []
        self.lock = threading.RLock()

    def reset(self) -> None:
        """Forget all secrets, permissions, faults and calls."""
        with self.lock:
            self.store.clear()
            self.access.reset()
            self.faults.clear()
            self.calls.clear()

    def serve(self, name: str, request: Any, identify: Callable[[], str]) -> Any:
        """Return the answer to a request.

        Args:
            name: the method, such as `AccessSecretVersion`.
            request: its message.
            identify: returns who asks, such as `user:developer@example.com`, or raises `Refused`.

        Raises:
            Refused: whatever the service would answer instead.
        """
        method = METHODS[name]
        asked = _asked(method, request)
        with self.lock:
            caller = _caller(identify)
            if caller != OPERATOR:
                self.calls.append(f"{name} {asked}{_created(request)}")
            if isinstance(caller, Exception):
                raise caller
            resource = parse(asked, method.kind)
            if name == "CreateSecret":
                check_id(request.secret_id)
                resource = resource.of_secret(request.secret_id)
            if caller != OPERATOR:
                self._admit(method, asked, resource)
            return getattr(self, _HANDLERS[name])(request, resource)

    def _admit(self, method: Method, asked: str, resource: Resource) -> None:
        permission = f"secretmanager.{method.permission}"
        self.faults.check(method.metric, permission, asked, resource)
        if not self.access.allows(permission):
            raise permission_denied(permission, asked)

    def _list_secrets(self, request: Any, parent: Resource) -> Any:
        messages = _listing.matching([secret.message for secret in self.store.all(parent)], request.filter)
        shown, token = _listing.page(messages, request)
        return _message_of("ListSecretsResponse", secrets=shown, next_page_token=token, total_size=len(messages))

    def _create_secret(self, request: Any, name: Resource) -> Any:
        if not request.HasField("secret"):
            raise invalid_argument("Secret must be provided.")
        check_new(request.secret, regional=name.location is not None)
        return self.store.create(name, request.secret).message

    def _get_secret(self, _request: Any, name: Resource) -> Any:
        return self.store.secret(name).message

    def _update_secret(self, request: Any, name: Resource) -> Any:
        secret = self.store.secret(name)
        _check_etag(secret, request.secret.etag)
        update(secret, request)
        touch(secret)
        return secret.message

    def _delete_secret(self, request: Any, name: Resource) -> Any:
        _check_etag(self.store.secret(name), request.etag)
        self.store.delete(name)
        return empty_pb2.Empty()

    def _add_version(self, request: Any, name: Resource) -> Any:
        if not request.HasField("payload"):
            raise invalid_argument("Field [payload] is required.")
        return self.store.add_version(name, request.payload).message

    def _list_versions(self, request: Any, name: Resource) -> Any:
        newest_first = [version.message for version in reversed(self.store.secret(name).versions)]
        messages = _listing.matching(newest_first, request.filter)
        shown, token = _listing.page(messages, request)
        return _message_of(
            "ListSecretVersionsResponse", versions=shown, next_page_token=token, total_size=len(messages)
        )

    def _get_version(self, _request: Any, name: Resource) -> Any:
        return self.store.version(name).message

    def _access_version(self, _request: Any, name: Resource) -> Any:
        version = self.store.version(name)
        if version.message.state != STATES.ENABLED:
            state = STATES(version.message.state).name
            raise failed_precondition(f"Secret Version [{version.message.name}] is in {state} state.")
        answer = _message_of("AccessSecretVersionResponse", name=version.message.name)
        answer.payload.data = version.payload
        answer.payload.data_crc32c = google_crc32c.value(version.payload)
        if self.faults.corrupts(name):
            answer.payload.data = bytes([version.payload[0] ^ 1]) + version.payload[1:]
        return answer

    def _enable_version(self, request: Any, name: Resource) -> Any:
        return self._change(request, name, STATES.ENABLED)

    def _disable_version(self, request: Any, name: Resource) -> Any:
        return self._change(request, name, STATES.DISABLED)

    def _destroy_version(self, request: Any, name: Resource) -> Any:
        return self._change(request, name, STATES.DESTROYED)

    def _change(self, request: Any, name: Resource, state: Any) -> Any:
        _check_etag(self.store.version(name), request.etag)
        return self.store.set_state(name, state).message


_HANDLERS = {
    "ListSecrets": "_list_secrets",
    "CreateSecret": "_create_secret",
    "GetSecret": "_get_secret",
    "UpdateSecret": "_update_secret",
    "DeleteSecret": "_delete_secret",
    "AddSecretVersion": "_add_version",
    "ListSecretVersions": "_list_versions",
    "GetSecretVersion": "_get_version",
    "AccessSecretVersion": "_access_version",
    "EnableSecretVersion": "_enable_version",
    "DisableSecretVersion": "_disable_version",
    "DestroySecretVersion": "_destroy_version",
}


def _message_of(name: str, /, **fields: Any) -> Any:
    return getattr(types, name).pb()(**fields)


def _asked(method: Method, request: Any) -> str:
    value = request
    for part in method.field.split("."):
        value = getattr(value, part)
    return str(value)


def _created(request: Any) -> str:
    secret_id = getattr(request, "secret_id", "")
    return f"/secrets/{secret_id}" if secret_id else ""


def _caller(identify: Callable[[], str]) -> Any:
    try:
        return identify()
    except Exception as refused:  # noqa: BLE001 - raised by the caller, once the request is noted
        return refused


def _check_etag(stored: StoredSecret | StoredVersion, etag: str) -> None:
    if etag and etag != stored.message.etag:
        raise failed_precondition(f"The etag provided does not match the current etag of [{stored.message.name}].")
