"""The two versions of Vault's key-value engine: v2 keeps versions and compares before it writes, v1 does neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from tacenda._errors import AccessDenied, ConfigurationError, InvalidReference, SecretError, SecretNotFound
from tacenda._values import SecretBytes, SecretInfo
from tacenda.providers._asked import Asked
from tacenda.providers._base import Capabilities, Document
from tacenda.providers._conflicts import exists_already, others_came_first
from tacenda.providers._encoding import decode_fields
from tacenda.providers._vault_fields import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tacenda.providers._base import Change, Value
    from tacenda.providers._vault_client import Answer, Client

__all__ = ["KvV1", "KvV2", "Location"]

_WRITERS = 100  # how often another writer may come first before we give up
_CAS = "check-and-set"


class Location(NamedTuple):
    """A document (or folder): its mount and its path, both escaped for a URL, and its reference for messages."""

    mount: str
    path: str
    label: str

    def url(self, api: str = "") -> str:
        """Return the path after `/v1/`; `api` is KV v2's `data` or `metadata`."""
        return "/".join(part for part in (self.mount, api, self.path) if part)

    def command(self, verb: str, path: str | None = None) -> str:
        """Return a command of the backend's own tool about this document, or another path of its mount."""
        words = f"vault kv {verb} -mount={unquote(self.mount)} {unquote(self.path if path is None else path)}"
        return f"`{words.rstrip()}`"


class _Engine:
    """What both versions share: calls, folders, and what a 404 means."""

    folders = ""  # the API that lists
    version = 1
    other = ""  # what to try if nothing is there

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def list(self, at: Location, prefix: str) -> Iterator[SecretInfo]:
        """Yield the names that start with a prefix, folder by folder. A soft-deleted secret keeps its name."""
        yield from self._walk(at, prefix.rpartition("/")[0], prefix)

    def check(self, at: Location) -> None:
        """Raise unless the mount is there, in this version. What policies allow in it is not looked at."""
        client, mount = self._client(), unquote(at.mount)
        asked = Asked(client.server, "look up the mount", repr(mount))
        expected = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
        answer = client.call("GET", f"sys/internal/ui/mounts/{at.mount}", asked, expected=expected)
        if answer.error:
            raise AccessDenied(
                f"{client.server}: there is no mount {mount!r}, or this login may use nothing in it",
                hint="see the mounts with `vault secrets list`, the login with `vault token lookup`",
            )
        version = int((answer.data.get("options") or {}).get("version", 1))
        if version != self.version:
            raise _other_version(at, version)

    def _walk(self, at: Location, folder: str, prefix: str) -> Iterator[SecretInfo]:
        here = at._replace(path=quote(folder, safe="/"))
        answer = self._call(
            "GET", here, "list", self.folders, params={"list": "true"}, expected=(HTTPStatus.NOT_FOUND,)
        )
        if answer.error and answer.body.get("errors"):  # an empty folder is a 404 without errors
            raise self._no_such(at, answer)
        for entry in answer.data.get("keys") or ():
            name = f"{folder}/{entry}" if folder else str(entry)
            if name.startswith(prefix) and name.endswith("/"):
                yield from self._walk(at, name[:-1], prefix)
            elif name.startswith(prefix):
                yield SecretInfo(name, "vault")

    def _call(self, method: str, at: Location, verb: str, api: str = "", **options: Any) -> Answer:
        client = self._client()
        hint = f"check the token with `vault token lookup`, and the path with {at.command('get')}"
        return client.call(method, at.url(api), Asked(client.server, verb, at.label, hint), **options)

    def _missing(self, at: Location, why: str, hint: str) -> SecretNotFound:
        return SecretNotFound(f"{self._client().server}: {why}", name=at.label, hint=hint)

    def _no_such(self, at: Location, answer: Answer, version: str | None = None) -> SecretError:
        mount = unquote(at.mount)
        if answer.says("no handler for route"):
            return self._missing(at, f"there is no mount {mount!r}", "see the mounts with `vault secrets list`")
        if answer.says("versioned K/V"):
            return _other_version(at, 2)
        folder = at.path.rpartition("/")[0]
        return self._missing(
            at,
            f"nothing at {unquote(at.path)!r} in the mount {mount!r}" + (f" in version {version}" if version else ""),
            f"see what is there: {at.command('list', folder)}{self.other}",
        )


class KvV1(_Engine):
    """KV version 1: fields without versions; a write replaces them all."""

    capabilities = Capabilities(write=True, delete=True, list=True, max_bytes=MAX_BYTES)

    def read(self, at: Location) -> Document:
        """Return the document."""
        answer = self._call("GET", at, "read", expected=(HTTPStatus.NOT_FOUND,))
        if answer.error:
            raise self._no_such(at, answer)
        return Document(decode_fields(answer.data))

    def write(self, at: Location, fields: SecretBytes) -> SecretInfo:
        """Write the document."""
        answer = self._call("POST", at, "write", body=fields, expected=(HTTPStatus.NOT_FOUND,))
        if answer.error:
            raise self._no_such(at, answer)
        return SecretInfo(at.label, "vault")

    def delete(self, at: Location) -> None:
        """Delete the document for good."""
        self.read(at)  # deleting what is not there succeeds
        self._call("DELETE", at, "delete")


class KvV2(_Engine):
    """KV version 2: versions, check-and-set (`cas`: the version that a write must follow), recoverable deletion."""

    capabilities = Capabilities(
        write=True,
        delete=True,
        list=True,
        update=True,
        create=True,
        versions=True,
        tags=True,
        times=True,
        max_bytes=MAX_BYTES,
    )
    folders = "metadata"
    version = 2
    other = "; if that mount is KV version 1, set `kv_version: 1`"

    def read(self, at: Location, version: str | None = None) -> Document:
        """Return the document in its latest version or another one."""
        params = None if version is None else {"version": _number(version, at)}
        answer = self._call("GET", at, "read", "data", params=params, expected=(HTTPStatus.NOT_FOUND,))
        if answer.error:
            metadata = answer.data.get("metadata")
            raise self._deleted(at, metadata) if metadata else self._no_such(at, answer, version)
        return _document(answer, at)

    def write(
        self, at: Location, fields: SecretBytes, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a new version; with `create` only if there is none, or only deleted ones."""
        info = self._put(at, fields, 0 if create else None)
        for _ in range(_WRITERS):
            if info is not None:
                return info if tags is None else self._tag(at, info, tags)
            # A living version, deleted ones only, or a mount that takes no write without `cas`.
            document, current = self._current(at)
            if create and document is not None:
                raise exists_already(at.label)
            info = self._put(at, fields, current)
        raise others_came_first(at.label, _WRITERS)

    def modify(self, at: Location, change: Change, encode: Callable[[Value], SecretBytes]) -> SecretInfo:
        """Write what a change makes of the latest version, again if another writer came first."""
        for _ in range(_WRITERS):
            document, current = self._current(at)
            info = self._put(at, encode(change(document)), current)
            if info is not None:
                return info
        raise others_came_first(at.label, _WRITERS)

    def delete(self, at: Location) -> None:
        """Delete the latest version, as `vault kv delete` does; `vault kv undelete` brings it back."""
        self.read(at)  # deleting what is not there succeeds
        self._call("DELETE", at, "delete", "data")

    def info(self, at: Location, version: str | None = None) -> SecretInfo:
        """Return version, times and tags from the metadata."""
        answer = self._call("GET", at, "read the metadata of", "metadata", expected=(HTTPStatus.NOT_FOUND,))
        if answer.error:
            raise self._no_such(at, answer)
        metadata = answer.data
        number = str(metadata["current_version"]) if version is None else _number(version, at)
        found = metadata["versions"].get(number)
        if found is None:
            raise self._missing(at, f"there is no version {number}", self._versions(at))
        if found["deletion_time"] or found["destroyed"]:
            raise self._deleted(at, {"version": number, **found})
        tags = metadata.get("custom_metadata") or {}
        return SecretInfo(at.label, "vault", number, found["created_time"], metadata["updated_time"], tags)

    def _current(self, at: Location) -> tuple[Document | None, int]:
        """Return the document, None if there is none or it is deleted, and the version that a write must follow."""
        answer = self._call("GET", at, "read", "data", expected=(HTTPStatus.NOT_FOUND,))
        if answer.error:
            return None, int((answer.data.get("metadata") or {}).get("version", 0))
        document = _document(answer, at)
        return document, int(document.version or 0)

    def _put(self, at: Location, fields: SecretBytes, cas: int | None) -> SecretInfo | None:
        """Return what was written, or None if `cas` did not match or is required."""
        options = json.dumps({} if cas is None else {"cas": cas}).encode()
        body = SecretBytes(b'{"options":%b,"data":%b}' % (options, fields))
        answer = self._call(
            "POST", at, "write", "data", body=body, expected=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
        )
        if answer.says(_CAS):
            return None
        if answer.error:
            raise self._no_such(at, answer) if answer.status == HTTPStatus.NOT_FOUND else answer.error
        if "version" not in answer.data:  # version 1 took `data/…` for a name and has the value there now
            with suppress(SecretError):
                self._call("DELETE", at, "take back", "data")
            raise _other_version(at, 1)
        written = answer.data["created_time"]
        tags = answer.data.get("custom_metadata") or {}
        return SecretInfo(at.label, "vault", str(answer.data["version"]), written, written, tags)

    def _tag(self, at: Location, info: SecretInfo, tags: Mapping[str, str]) -> SecretInfo:
        self._call("POST", at, "tag", "metadata", body=json.dumps({"custom_metadata": dict(tags)}).encode())
        return info._replace(tags=dict(tags))

    def _deleted(self, at: Location, metadata: Mapping[str, Any]) -> SecretNotFound:
        how = "destroyed" if metadata.get("destroyed") else "deleted"
        return self._missing(at, f"version {metadata.get('version')} is {how}", self._versions(at))

    def _versions(self, at: Location) -> str:
        return f"see its versions: {at.command('metadata get')}"


def _document(answer: Answer, at: Location) -> Document:
    metadata = answer.data.get("metadata")
    if not isinstance(metadata, Mapping) or "version" not in metadata:
        raise _other_version(at, 1)
    return Document(decode_fields(answer.data["data"]), str(metadata["version"]))


def _number(version: str, at: Location) -> str:
    if not version.isdecimal() or int(version) == 0:
        raise InvalidReference(f"{version!r} is no version of {at.label}: Vault counts 1, 2, 3 …", name=at.label)
    return version


def _other_version(at: Location, version: int) -> ConfigurationError:
    mount = unquote(at.mount)
    return ConfigurationError(
        f"vault: the mount {mount!r} is a KV version {version} engine", hint=f"set `kv_version: {version}`"
    )
