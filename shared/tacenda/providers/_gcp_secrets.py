"""Secrets and their versions: what a provider does, in calls of Secret Manager's API."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from tacenda._errors import AccessDenied, BackendUnavailable, Conflict, SecretError, SecretNotFound, Unsupported
from tacenda._values import SecretInfo
from tacenda.providers._asked import UNREACHABLE_FOR
from tacenda.providers._base import Document
from tacenda.providers._conflicts import exists_already, others_came_first
from tacenda.providers._gcp_client import TIMEOUT
from tacenda.providers._gcp_errors import unreadable
from tacenda.providers._gcp_names import checked_version
from tacenda.providers._gcp_payload import payload_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tacenda.providers._gcp_client import Client
    from tacenda.providers._gcp_names import SecretName
    from tacenda.providers._gcp_payload import Payload

__all__ = ["PAGE", "Secrets", "check_labels"]

PAGE = 100
"""How many secrets one call lists."""
_WORD = r"[a-z0-9][A-Za-z0-9_-]*"  # what a filter takes for a word: no operator (AND), no minus before it
_WRITERS = 20  # how often another writer of labels may come first before we give up
_MAX_LABELS = 64
_LABEL = 63  # characters
_LABEL_BYTES = 128


class Secrets:
    """The secrets that one client reaches."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def read(self, at: SecretName, version: str | None = None) -> Document:
        """Return a version: one call of AccessSecretVersion, which needs the role Secret Accessor and no other."""
        name = f"{at.resource}/versions/{checked_version(version, at)}"
        document = _document(self.client.call("access_secret_version", "read", at, name=name))
        if document is None:
            raise BackendUnavailable(
                f"{self.client.server} cannot read {at.label}: what arrived does not match its checksum (CRC32C)",
                hint="something between here and Google changes what passes",
                retry_for=UNREACHABLE_FOR,
            )
        return document

    def write(
        self, at: SecretName, payload: Payload, *, create: bool = False, labels: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a new version, of a new secret if there is none; with `create` of a new secret only."""
        if create:
            self._create_own(at, labels)
            return self._add_first(at, payload)._replace(tags=dict(labels or {}))
        try:
            info = self.add(at, payload)
        except SecretNotFound:
            info = None
        if info is None:
            made = self._create_any(at, labels)
            info = self._add_first(at, payload) if made else self.add(at, payload)
            if made:
                return info._replace(tags=dict(labels or {}))
        return self._label(at, info, labels) if labels else info

    def add(self, at: SecretName, payload: Payload, *, timeout: float = TIMEOUT) -> SecretInfo:
        """Write a new version."""
        made = self.client.call("add_secret_version", "write", at, timeout=timeout, parent=at.resource, payload=payload)
        written = _time(made.create_time)
        return SecretInfo(at.label, "gcp", _last(made.name), written, written)

    def create(self, at: SecretName, **fields: Any) -> Any:
        """Create a secret without a version; regional ones have no replication to choose.

        Raises:
            Conflict: if it exists.
        """
        if at.location is None:
            fields["replication"] = {"automatic": {}}
        return self.client.call("create_secret", "create", at, parent=at.parent, secret_id=at.name, secret=fields)

    def get(self, at: SecretName) -> Any:
        """Return the API's `Secret`: labels, annotations and the entity tag."""
        return self.client.call("get_secret", "read the settings of", at, name=at.resource)

    def change(self, at: SecretName, etag: str, **fields: Any) -> Any:
        """Change settings of a secret and return it.

        Raises:
            Conflict: if it has another entity tag by now.
        """
        return self.client.call(
            "update_secret",
            "change the settings of",
            at,
            secret={"name": at.resource, "etag": etag, **fields},
            update_mask={"paths": list(fields)},
        )

    def delete(self, at: SecretName) -> None:
        """Delete a secret with all its versions, for good."""
        self.client.call("delete_secret", "delete", at, name=at.resource)

    def list(self, at: SecretName, prefix: str) -> Iterator[SecretInfo]:
        """Yield the secrets of a place whose names start with a prefix, page by page."""
        # The filter finds the prefix anywhere in a name: fewer pages, not fewer comparisons.
        narrowed = f"name:{prefix}" if re.fullmatch(_WORD, prefix) else ""
        token = ""
        while True:
            answer = self.client.call(
                "list_secrets",
                "list what is in",
                at,
                parent=at.parent,
                page_size=PAGE,
                page_token=token,
                filter=narrowed,
            )
            for secret in answer.secrets:
                name = _last(secret.name)
                if name.startswith(prefix):
                    yield SecretInfo(name, "gcp", created=_time(secret.create_time), tags=dict(secret.labels))
            token = answer.next_page_token
            if not token:
                return

    def info(self, at: SecretName, version: str | None = None) -> SecretInfo:
        """Return version, times and labels; `updated` is when the latest version was written."""
        asked = checked_version(version, at)
        latest = self._version(at, "latest")
        found = latest if asked == "latest" else self._version(at, asked)
        refused = unreadable(f"{self.client.server} cannot read {at.label}", at, _last(found.name), found.state.name)
        if refused:
            raise refused
        labels = dict(self.get(at).labels)
        return SecretInfo(
            at.label, "gcp", _last(found.name), _time(found.create_time), _time(latest.create_time), labels
        )

    def check(self, at: SecretName) -> None:
        """Raise unless the server accepts the login. Whether it may list does not matter: few readers may."""
        try:
            self.client.call("list_secrets", "list what is in", at, parent=at.parent, page_size=1)
        except AccessDenied as error:
            if "secretmanager.secrets.list" not in error.message:
                raise

    def _version(self, at: SecretName, version: str) -> Any:
        name = f"{at.resource}/versions/{version}"
        return self.client.call("get_secret_version", "read the settings of", at, name=name)

    def _create_own(self, at: SecretName, labels: Mapping[str, str] | None) -> None:
        try:
            self.create(at, labels=dict(labels or {}))
        except Conflict:
            pass
        else:
            return
        if not self._left_over(at):
            raise exists_already(at.label, "write it without `create` to replace it, or to give it its first version")

    def _create_any(self, at: SecretName, labels: Mapping[str, str] | None) -> bool:
        """Create a secret unless another writer did; return whether it is ours."""
        try:
            self.create(at, labels=dict(labels or {}))
        except Conflict:
            return False
        return True

    def _add_first(self, at: SecretName, payload: Payload) -> SecretInfo:
        # A repetition by the store must not take the secret that we have just made for another writer's.
        try:
            return self.add(at, payload)
        except SecretError:
            self.client.unfinished.add(at.resource)
            raise

    def _left_over(self, at: SecretName) -> bool:
        try:
            self.client.unfinished.remove(at.resource)
        except KeyError:
            return False
        return True

    def _label(self, at: SecretName, info: SecretInfo, labels: Mapping[str, str]) -> SecretInfo:
        """Set labels beside those that others have set, such as Terraform's."""
        for _ in range(_WRITERS):
            secret = self.get(at)
            try:
                changed = self.change(at, secret.etag, labels={**secret.labels, **labels})
            except Conflict:
                continue
            return info._replace(tags=dict(changed.labels))
        raise others_came_first(at.label, _WRITERS)


def check_labels(tags: Mapping[str, str] | None, server: str) -> None:
    """Raise `Unsupported` for tags that labels cannot hold (documentation: "Labels overview").

    Tags are labels because that is what `gcloud`, filters and bills show; annotations are for tools.
    """
    for key, value in (tags or {}).items():
        if not (_is_label(key) and key and unicodedata.category(key[0]) in ("Ll", "Lo") and _is_label(value)):
            raise Unsupported(
                f"{server} cannot keep the tag {key!r}: tags are labels there",
                hint=f"lower case letters, digits, - and _, {_LABEL} at most; a key starts with a letter",
            )
    if len(tags or {}) > _MAX_LABELS:
        raise Unsupported(f"{server} cannot keep more than {_MAX_LABELS} tags on a secret")


def _is_label(text: str) -> bool:
    legal = all(sign in "-_" or (kind := unicodedata.category(sign)) in ("Ll", "Lo") or kind[0] == "N" for sign in text)
    return legal and len(text) <= _LABEL and len(text.encode()) <= _LABEL_BYTES


def _document(answer: Any) -> Document | None:
    """Return what was read; None if it is not what was sent."""
    payload = payload_of(answer)
    return Document(payload.value(), _last(answer.name)) if payload.intact else None


def _last(name: str) -> str:
    return str(name).rpartition("/")[2]


def _time(stamp: Any) -> str | None:
    return str(stamp.rfc3339()) if stamp else None
