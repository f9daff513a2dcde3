"""What is done with the secrets of a vault, in requests of Key Vault's REST interface ("Secrets - REST API")."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import AccessDenied, Conflict, InvalidReference, SecretNotFound
from tacenda._values import SecretInfo
from tacenda.providers._azure_errors import DELETED, DISABLED, Asked
from tacenda.providers._azure_names import NAME_TAG, name_in_list, owner, refuse_other
from tacenda.providers._azure_values import decoded
from tacenda.providers._azure_vault import vault_name
from tacenda.providers._base import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tacenda.providers._azure_client import Client, Outcome
    from tacenda.providers._azure_read import Found
    from tacenda.providers._azure_values import Encoded

__all__ = ["Location", "Secrets"]

_PROBE = "tacenda-check-no-such-secret"


class Location(NamedTuple):
    """A secret: the vault's host, its name there, the name that was asked for, its reference for messages.

    Attributes:
        wanted: the plain name; None if a reference gave the vault's own name.
    """

    host: str
    name: str
    wanted: str | None
    label: str

    def command(self, verb: str, rest: str = "") -> str:
        """Return a command of Azure's own tool about this secret."""
        return f"`az keyvault secret {verb} --vault-name {self.vault} --name {self.name}{rest}`"

    @property
    def vault(self) -> str:
        """The vault's name as `az` takes it."""
        return vault_name(self.host) or "VAULT"


class Secrets:
    """The operations; each is told where, and asks the client that is logged in there.

    Args:
        client: returns the client for a vault's host.
    """

    def __init__(self, client: Callable[[str], Client]) -> None:
        self._client = client

    def read(self, at: Location, version: str | None) -> Document:
        """Return a secret: one request."""
        found = self._get(at, version)
        return Document(decoded(found.value, found.content_type), found.version)

    def info(self, at: Location, version: str | None) -> SecretInfo:
        """Return version, times and tags.

        Key Vault has no request for the properties of one secret but that which also sends the value.
        """
        found = self._get(at, version)
        return SecretInfo(at.label, "azure", found.version, found.created, found.updated, _others(found.tags))

    def write(self, at: Location, value: Encoded, tags: Mapping[str, str] | None) -> SecretInfo:
        """Write a new version. Tags are a version's own: those of the present one stay unless others are given."""
        present = self._present(at)
        outcome = self._put(at, value, _tags(at, tags, present))
        if outcome.said.code == DELETED:
            present = self._recover(at)
            outcome = self._put(at, value, _tags(at, tags, present))
        if outcome.error is not None:
            raise outcome.error
        return _info(outcome.found, at.label)

    def delete(self, at: Location) -> None:
        """Delete a secret, which Key Vault keeps for its retention period."""
        if at.wanted is not None and self._present(at) is None:
            raise SecretNotFound(f"{_server(at)} has no {at.label}, or it is deleted", name=at.label, hint=_list(at))
        self._call(at, "delete", lambda client: _real(client.begin_delete_secret(at.name).result()).name)

    def list(self, host: str, prefix: str) -> Iterator[SecretInfo]:
        """Yield the secrets whose names start with a prefix, page by page."""
        at = Location(host, "", None, "the names of the secrets")
        pages: Any = None

        def next_page(client: Any) -> Any:
            nonlocal pages
            pages = pages or client.list_properties_of_secrets(raw_response_hook=_real_list).by_page()
            page = next(pages, None)  # after a new login it goes on where it was
            return None if page is None else list(page)

        while (page := self._call(at, "list", next_page)) is not None:
            for found in page:
                name = name_in_list(found.name, found.tags, prefix)
                if name is not None:
                    yield _info(found, name)._replace(version=None)

    def check(self, host: str) -> None:
        """Raise unless the vault accepts our login and lets it read: it may list, or is told that a secret is missing.

        Who may read single secrets only, by a role on each of them, is refused here and can read those.
        """
        at = Location(host, _PROBE, None, "any secret")
        listed = self._ask(at, "list", _first_page)
        if isinstance(listed.error, AccessDenied):
            listed = self._read(at)
            if isinstance(listed.error, SecretNotFound):
                return
        if listed.error is not None:
            raise listed.error

    def _get(self, at: Location, version: str | None) -> Found:
        if version is not None and not (version.isascii() and version.isalnum()):
            raise InvalidReference(
                f"{version!r} is no version of {at.label}: Key Vault's are letters and digits",
                name=at.label,
                hint=f"see them with {at.command('list-versions')}",
            )
        outcome = self._read(at, version)
        if outcome.error is not None:
            raise outcome.error
        found: Found = outcome.found
        refuse_other(at.wanted, at.name, found.tags)
        return found

    def _present(self, at: Location) -> dict[str, str] | None:
        """Return the tags of a secret that is to be written or deleted; None if there is none.

        Raises:
            Conflict: if it belongs to another name.
        """
        outcome = self._read(at)
        if outcome.said.code == DISABLED:
            outcome = self._ask(at, "read", lambda client: _newest(client, at.name))
        if isinstance(outcome.error, SecretNotFound):
            return None
        if outcome.error is not None:
            raise outcome.error
        tags: dict[str, str] = outcome.found.tags or {}
        refuse_other(at.wanted, at.name, tags)
        return dict(tags)

    def _put(self, at: Location, value: Encoded, tags: Mapping[str, str]) -> Outcome:
        def put(client: Any) -> Any:
            written = client.set_secret(at.name, value.text, tags=dict(tags), content_type=value.content_type)
            return _real(written).properties

        return self._ask(at, "write", put)

    def _recover(self, at: Location) -> dict[str, str]:
        """Recover a deleted secret, for Key Vault takes no new one of its name; return its tags.

        Raises:
            Conflict: if it belongs to another name, or may not be recovered.
        """
        deleted = self._ask(
            at, "look for the deleted", lambda client: client.get_deleted_secret(at.name).properties.tags
        )
        tags: dict[str, str] = deleted.found or {}
        refuse_other(at.wanted, at.name, tags)
        recovered = self._ask(at, "recover", lambda client: client.begin_recover_deleted_secret(at.name).result().name)
        if isinstance(recovered.error, AccessDenied):
            raise Conflict(
                f"{_server(at)} keeps a deleted secret of the name {at.name!r}, and this login may not recover it",
                name=at.label,
                hint=f"run {at.command('recover')}, or {at.command('purge')}, which destroys it",
            )
        if recovered.error is not None and not isinstance(recovered.error, SecretNotFound):
            raise recovered.error
        return tags

    def _read(self, at: Location, version: str | None = None) -> Outcome:
        return self._client(at.host).read(at.host, at.name, version, _asked(at, "read", version))

    def _call(self, at: Location, verb: str, action: Callable[[Any], Any]) -> Any:
        return self._client(at.host).call(at.host, _asked(at, verb), action)

    def _ask(self, at: Location, verb: str, action: Callable[[Any], Any]) -> Outcome:
        return self._client(at.host).ask(at.host, _asked(at, verb), action)


def _server(at: Location) -> str:
    return f"Azure Key Vault at https://{at.host}"


def _list(at: Location) -> str:
    return (
        f"see what is there with `az keyvault secret list --vault-name {at.vault}`, "
        f"and what is deleted with `az keyvault secret list-deleted --vault-name {at.vault}`"
    )


def _asked(at: Location, verb: str, version: str | None = None) -> Asked:
    role = "Key Vault Secrets User" if verb in ("read", "list") else "Key Vault Secrets Officer"
    try_it = at.command("show") if at.name else f"`az keyvault secret list --vault-name {at.vault}`"
    denied = f"check with {try_it}; the role that may {verb} is {role!r}, and a new one takes minutes to count"
    enable = at.command("set-attributes", " --enabled true")
    return Asked(_server(at), verb, at.label, denied, _list(at), enable, version)


def _tags(at: Location, given: Mapping[str, str] | None, present: Mapping[str, str] | None) -> dict[str, str]:
    kept = dict(present or {})
    ours = at.wanted or owner(at.name, kept)
    tags = kept if given is None else dict(given)
    tags.pop(NAME_TAG, None)
    return {**tags, NAME_TAG: ours} if ours else tags


def _newest(client: Any, name: str) -> Any:
    versions = client.list_properties_of_secret_versions(name, raw_response_hook=_real_list)
    return max(versions, key=lambda found: found.created_on)


def _first_page(client: Any) -> Any:
    return next(client.list_properties_of_secrets(max_page_size=1, raw_response_hook=_real_list).by_page())


def _real(found: Any) -> Any:
    """Return what the SDK made of an answer; to it any JSON object is a secret, only without an id."""
    if not found.id:
        raise ValueError("an answer that is no secret's")
    return found


def _real_list(response: Any) -> None:
    """Raise for an answer that is no list; to the SDK any JSON object is one, only without entries."""
    answer = response.http_response
    if answer.status_code == HTTPStatus.OK and "value" not in answer.json():
        raise ValueError("an answer that is no list")


def _info(properties: Any, name: str) -> SecretInfo:
    created, updated = properties.created_on, properties.updated_on
    return SecretInfo(
        name,
        "azure",
        properties.version,
        created.isoformat() if created else None,
        updated.isoformat() if updated else None,
        _others(properties.tags or {}),
    )


def _others(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != NAME_TAG}
