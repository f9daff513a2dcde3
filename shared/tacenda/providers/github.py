"""GitHub Actions secrets: written through the API, sealed for GitHub alone, and read where a workflow passes them on.

The API never gives a value back. A workflow's step has it in a variable of its environment, if it asks for that.
"""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from tacenda._errors import InvalidReference, SecretNotFound
from tacenda._naming import CONVENTIONS, spell
from tacenda._values import Secret, SecretInfo
from tacenda.providers._asked import Asked
from tacenda.providers._base import Capabilities, Document, Place, Provider
from tacenda.providers._github_client import GITHUB, Client, address, token_of
from tacenda.providers._github_errors import WHO
from tacenda.providers._github_job import in_a_job, value_of
from tacenda.providers._github_place import Home, home_of
from tacenda.providers._shared_clients import NETWORK, Connections, SharedClients, connection_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from tacenda._reference import Reference
    from tacenda.providers._base import Change, Value

__all__ = ["GithubProvider"]

MAX_BYTES = 48 * 1024
"""What one value may have; "Secrets reference"."""

_INSIDE = Capabilities(binary=False, empty=False, max_bytes=MAX_BYTES)
_OUTSIDE = _INSIDE._replace(write=True, delete=True, list=True, times=True)
_STAYS = "a job keeps the values that it started with; write from outside, or in a step of its own: `gh secret set`"
_UNLISTED = "name the secret: a job has the values that it started with; list them from outside: `gh secret list`"
_CLIENTS: SharedClients[Client] = SharedClients()
_VARIABLES = ("GH_", "GITHUB_", *NETWORK)


class GithubProvider(Provider):
    """Secrets of GitHub Actions: of a repository, of one of its environments, or of an organisation.

    Inside a job (GITHUB_ACTIONS=true) they can be read and nothing else; outside they can be written, listed and
    deleted, and never read. Names are as GitHub keeps them, in upper case: `my-key` is MY_KEY.

    Raises:
        ConfigurationError: for an address that is unsafe.
    """

    backend = "github"
    credential_settings = frozenset({"token"})
    settings_help: ClassVar[Mapping[str, str]] = {
        "repository": "OWNER/REPO whose secrets they are; else GH_REPO",
        "environment": "deployment environment of the repository whose secrets they are",
        "organization": "organisation whose secrets they are, instead of a repository's",
        "visibility": "whom a new secret of an organisation is for: private (repositories) or all; private if not set",
        "prefix": "what every name starts with, such as `ML_`",
        "api_url": "address of the API of GitHub Enterprise, such as https://github.example.com/api/v3",
        "allow_http": "true allows http beyond this machine",
    }
    capabilities = _OUTSIDE

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        self._inside, self._url = in_a_job(), GITHUB  # a repr shows an address only once it is checked
        self._url = address(settings)
        self.capabilities = _INSIDE if self._inside else _OUTSIDE
        self.reset()

    # -- names ---------------------------------------------------------------------------------------

    def path_of(self, name: str) -> str:
        """Return the name as GitHub keeps it."""
        return spell("github", name)

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads: NAME, or OWNER/REPO/NAME for a repository's secret."""
        *repository, name = reference.segments()
        if len(repository) not in (0, 2):
            raise InvalidReference(
                f"{reference} names no secret",
                name=str(reference),
                hint="write github://NAME or github://OWNER/REPO/NAME",
            )
        return Place("/".join([*repository, spell("github", name)]), reference.keys)

    def describe(self) -> str:
        """Return whose secrets they are, and the server if it is not GitHub's own."""
        if self._inside:
            return "this job of GitHub Actions"
        server = "" if self._url == GITHUB else f" at {urlsplit(self._url).netloc}"
        organization, repository, environment = map(self.settings.get, ("organization", "repository", "environment"))
        whose = [organization] if organization else [repository or os.environ.get("GH_REPO"), environment]
        named = ", ".join(str(name) for name in whose if name)
        return f"GitHub{server}" + (f" ({named})" if named else "")

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return what the workflow passes on."""
        if version is not None:
            raise self.unsupported("keep versions")
        if not self._inside:
            raise self.unsupported(
                "read secrets: GitHub's API takes values and never gives one back",
                "read it in a workflow that passes it on under `env:`, or keep the value in another backend as well",
            )
        repository, _, name = path.rpartition("/")
        if repository and repository.lower() != os.environ.get("GITHUB_REPOSITORY", "").lower():
            raise self.unsupported(f"read the secrets of {repository}: a job has those of its own repository only")
        return Document(value_of(name, self.settings))

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a secret: one request for the public key, one with the sealed value."""
        text = self._text(value)
        del value
        self._outside("write secrets")
        if tags:
            raise self.unsupported("keep tags on a secret")
        if create:
            raise self.unsupported("create a secret only if there is none: its API has no such condition")
        home, url, asked = self._at(path, "write")
        visibility = self._visibility(url, asked) if home.organization else {}
        key = self._client().call("GET", f"{home.url}/public-key", asked).body
        sealed = self._client().seal(str(key.get("key")), text, asked)
        body = {"encrypted_value": sealed, "key_id": str(key.get("key_id")), **visibility}
        self._client().call("PUT", url, asked, body=body)
        return SecretInfo(path, self.backend)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Refuse: what cannot be read cannot be merged."""
        raise self.unsupported(
            "update single keys: GitHub's API never gives the other keys back", "write the whole secret with `set`"
        )

    def delete(self, path: str) -> None:
        """Delete a secret for good: GitHub keeps nothing of it."""
        self._outside("delete secrets")
        home, url, asked = self._at(path, "delete")
        if self._client().call("DELETE", url, asked, expected=(404,)).status == HTTPStatus.NOT_FOUND:
            raise self._missing(home, path, asked)

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the names that start with a prefix, as GitHub spells both."""
        self._outside("list secrets: it has only what the workflow passes on", _UNLISTED)
        home = home_of(self.settings)
        asked = Asked(self.describe(), "list", f"the secrets of {home.name}")
        start = CONVENTIONS["github"].spell((prefix,))
        items = self._client().pages(home.url, asked)
        return (_info(str(item["name"]), item) for item in items if str(item.get("name", "")).startswith(start))

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return the times; inside a job, which knows none, only whether the secret is there."""
        if self._inside or version is not None:
            return super().info(path, version)
        home, url, asked = self._at(path, "look up")
        answer = self._client().call("GET", url, asked, expected=(404,))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._missing(home, path, asked)
        return _info(path, answer.body)

    # -- the connection ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise unless the token may write there; inside a job there is nobody to ask."""
        if not self._inside:
            home = home_of(self.settings)
            asked = Asked(self.describe(), "use", f"the secrets of {home.name}")
            self._client().call("GET", f"{home.url}/public-key", asked)

    def reset(self) -> None:
        """Forget the client with its connection."""
        self._connections = Connections(_CLIENTS)

    def close(self) -> None:
        """Close the connection, unless another stack entry uses it."""
        self._connections.close()

    def _client(self) -> Client:
        return self._connections.client(None, self._connection_key, lambda: Client(self._url, self._token()))

    def _connection_key(self) -> Hashable:
        return connection_key({"token": self._token(), "api_url": self._url}, _VARIABLES)

    def _token(self) -> Secret:
        token = token_of(self.settings.get("token"), self._url)
        self.protect(token, "GitHub token")
        return token

    def _at(self, path: str, verb: str) -> tuple[Home, str, Asked]:
        repository, _, name = path.rpartition("/")
        home = home_of(self.settings, repository or None)
        asked = Asked(self.describe(), verb, self.label(Place(path)), f"see `gh secret list {home.flags}`")
        return home, f"{home.url}/{name}", asked

    def _outside(self, what: str, hint: str = _STAYS) -> None:
        if self._inside:
            raise self.unsupported(what, hint)

    def _missing(self, home: Home, path: str, asked: Asked) -> SecretNotFound:
        # GitHub's 404 is also "not for you": who gets the public key may see the secrets, and there is none.
        self._client().call("GET", f"{home.url}/public-key", asked)
        return SecretNotFound(f"{home.name} has no secret {path.rpartition('/')[2]!r}", name=path, hint=asked.hint)

    def _visibility(self, url: str, asked: Asked) -> dict[str, str]:
        """Return whom an organisation's secret is for: a new value must not show it to more repositories."""
        answer = self._client().call("GET", url, asked, expected=(404,))
        present = str(answer.body.get("visibility")) if answer.status == HTTPStatus.OK else None
        if present == "selected":
            raise self.unsupported(
                f"keep the repositories that were selected for {asked.what}", f"write it with `gh secret set`; {WHO}"
            )
        return {"visibility": str(self.settings.get("visibility") or present or "private")}

    def _text(self, value: Value) -> Secret:
        if isinstance(value, bytes):
            del value  # so that no error's frame shows it
            raise self.unsupported("keep bytes: its secrets are text", "write them in base64")
        text = Secret(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        del value
        if not text:
            raise self.unsupported("keep an empty value: a job cannot tell it from a secret that is not there")
        if len(text.encode()) > MAX_BYTES:
            raise self.too_large()
        return text


def _info(name: str, item: Mapping[str, Any]) -> SecretInfo:
    return SecretInfo(name, "github", created=item.get("created_at"), updated=item.get("updated_at"))
