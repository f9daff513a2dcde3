"""The data plane of a vault: each operation of the REST reference's group "Secrets", with what it needs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from tacenda.testing._azure import _checks
from tacenda.testing._azure._messages import Request, Response, ServiceError
from tacenda.testing._azure._roles import Access
from tacenda.testing._azure._secrets import Secret, Version
from tacenda.testing._azure._store import Store

__all__ = ["Vault"]

Operation = Callable[[Request, str, str], Response]


class Vault:
    """Answers requests that have passed the login.

    Args:
        store: what is in the vault.
        access: who may do what.
    """

    def __init__(self, store: Store, access: Access) -> None:
        self._store, self._access = store, access
        # method, shape of the path (`*` is a name, `?` a version) → data action, operation
        self._operations: dict[tuple[str, str], tuple[str, Operation]] = {
            ("GET", "secrets"): ("readMetadata/action", self._list),
            ("GET", "secrets/*"): ("getSecret/action", self._get),
            ("GET", "secrets/*/?"): ("getSecret/action", self._get),
            ("GET", "secrets/*/versions"): ("readMetadata/action", self._versions),
            ("PUT", "secrets/*"): ("setSecret/action", self._set),
            ("PATCH", "secrets/*"): ("update/action", self._update),
            ("PATCH", "secrets/*/?"): ("update/action", self._update),
            ("DELETE", "secrets/*"): ("delete", self._delete),
            ("POST", "secrets/*/backup"): ("backup/action", self._backup),
            ("POST", "secrets/restore"): ("restore/action", self._restore),
            ("GET", "deletedsecrets"): ("readMetadata/action", self._list_deleted),
            ("GET", "deletedsecrets/*"): ("readMetadata/action", self._get_deleted),
            ("POST", "deletedsecrets/*/recover"): ("recover/action", self._recover),
            ("DELETE", "deletedsecrets/*"): ("purge/action", self._purge),
        }

    def answer(self, request: Request, caller: str) -> Response:
        """Do what is asked.

        Args:
            request: what came in.
            caller: who is logged in, in the words of the service.

        Raises:
            ServiceError: for everything that is not a success.
        """
        _checks.version_of_api(request)
        shape = _shape(request)
        if shape not in self._operations:
            raise ServiceError(404, "NotFound", "No operation of this vault has this method and path.")
        action, operation = self._operations[shape]
        name = _checks.name(request.path[1]) if "*" in shape[1] else ""
        self._access.check(caller, action, name or None)
        version = request.path[2] if shape[1].endswith("?") else ""
        with self._store.lock:
            return operation(request, name, version)

    def _get(self, request: Request, name: str, version: str) -> Response:
        secret, found = self._store.version(name, version)
        if not found.enabled:
            message = "Operation get is not allowed on a disabled secret."
            raise ServiceError(403, "Forbidden", message, "SecretDisabled")
        return Response(content={"value": found.value, **self._entry(request, secret, found)})

    def _set(self, request: Request, name: str, version: str) -> Response:
        content = request.json()
        made = Version(
            _checks.value(content), _checks.content_type(content), _checks.tags(content), **_checks.attributes(content)
        )
        secret = self._store.add(name, made)
        return Response(content={"value": made.value, **self._entry(request, secret, made)})

    def _update(self, request: Request, name: str, version: str) -> Response:
        secret, found = self._store.version(name, version)
        content = request.json()
        found.update(_checks.content_type(content), _checks.tags(content), _checks.attributes(content))
        return Response(content=self._entry(request, secret, found))

    def _list(self, request: Request, name: str, version: str) -> Response:
        found = self._store.all("active")
        return _page(request, [(secret.name, self._entry(request, secret)) for secret in found])

    def _versions(self, request: Request, name: str, version: str) -> Response:
        try:
            secret = self._store.active(name)
        except ServiceError:
            return _page(request, [])  # the service does not say that there is no such secret
        ordered = sorted(secret.versions, key=lambda each: each.id)  # as good as random, as in the service
        return _page(request, [(each.id, self._entry(request, secret, each)) for each in ordered])

    def _delete(self, request: Request, name: str, version: str) -> Response:
        return self._deleted_entry(request, self._store.delete(name))

    def _get_deleted(self, request: Request, name: str, version: str) -> Response:
        return self._deleted_entry(request, self._store.deleted(name))

    def _list_deleted(self, request: Request, name: str, version: str) -> Response:
        base, recovery = _base(request), self._store.recovery
        found = self._store.all("deleted")
        return _page(request, [(secret.name, secret.deleted_entry(base, recovery)) for secret in found])

    def _recover(self, request: Request, name: str, version: str) -> Response:
        secret = self._store.recover(name)
        return Response(content=self._entry(request, secret, secret.latest))

    def _purge(self, request: Request, name: str, version: str) -> Response:
        self._store.purge(name)
        return Response(204)

    def _backup(self, request: Request, name: str, version: str) -> Response:
        return Response(content={"value": self._store.backup(name)})

    def _restore(self, request: Request, name: str, version: str) -> Response:
        secret = self._store.restore(str(request.json().get("value")), _base(request))
        return Response(content=self._entry(request, secret, secret.latest))

    def _entry(self, request: Request, secret: Secret, version: Version | None = None) -> dict[str, Any]:
        return secret.entry(_base(request), self._store.recovery, version)

    def _deleted_entry(self, request: Request, secret: Secret) -> Response:
        return Response(content=secret.deleted_entry(_base(request), self._store.recovery, secret.latest))


def _shape(request: Request) -> tuple[str, str]:
    words = [part.lower() if index in {0, 2} else part for index, part in enumerate(request.path)]
    if words[1:] == ["restore"] and request.method == "POST":
        return request.method, "secrets/restore"
    if len(words) > 1:
        words[1] = "*"
    if len(words) == 3 and words[2] not in {"versions", "backup", "recover"}:
        words[2] = "?"
    return request.method, "/".join(words)


def _base(request: Request) -> str:
    return f"https://{request.host}"


def _page(request: Request, entries: list[tuple[str, dict[str, Any]]]) -> Response:
    """Return a page of entries, each under its place in the order, and where the next page is."""
    size = _checks.page_size(request)
    after = _marker(request.query.get("$skiptoken"))
    rest = [(place, entry) for place, entry in entries if place.lower() > after]
    link = None
    if len(rest) > size:
        token = base64.urlsafe_b64encode(json.dumps({"NextMarker": rest[size - 1][0].lower()}).encode()).decode()
        query = {"api-version": request.query["api-version"], "$skiptoken": token, "maxresults": size}
        link = f"{_base(request)}/{'/'.join(map(quote, request.path))}?{urlencode(query, safe='$')}"
    return Response(content={"value": [entry for _, entry in rest[:size]], "nextLink": link})


def _marker(token: str | None) -> str:
    if token is None:
        return ""
    try:
        return str(json.loads(base64.urlsafe_b64decode(token))["NextMarker"])
    except (ValueError, KeyError, TypeError):
        raise _checks.bad_parameter("The $skiptoken is invalid.") from None
