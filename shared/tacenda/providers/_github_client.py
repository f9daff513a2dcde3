"""Calls to GitHub's API through PyGithub: one token, one connection, one request at a time."""

from __future__ import annotations

import itertools
import os
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tacenda._errors import ConfigurationError
from tacenda._values import Secret
from tacenda.providers._address import checked_url
from tacenda.providers._github_errors import Answer, failure, malformed, unreachable
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tacenda.providers._asked import Asked

__all__ = ["GITHUB", "Client", "address", "token_of"]

GITHUB = "https://api.github.com"
PAGE = 100
"""The most that one page of a listing holds."""
TIMEOUT = 30
"""To connect, and to wait for an answer, in seconds."""

# `gh help environment`: a token for github.com, or a subdomain of ghe.com, never goes to a server of one's own.
_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


class Client:
    """One GitHub, one token. PyGithub keeps a request in its connection between two calls, so threads take turns.

    That is also what "Best practices for using the REST API" asks for: requests one after the other.

    Args:
        url: the API's address, checked by `address`.
        token: the token.
    """

    def __init__(self, url: str, token: Secret) -> None:
        sdk = load_sdk("github", backend="github", extra="github")
        requests = load_sdk("requests", backend="github", extra="github")
        # Retries and pauses are the store's; the headers of a refusal say how long.
        self._github = sdk.Github(
            auth=sdk.Auth.Token(token),
            base_url=url,
            retry=0,
            timeout=TIMEOUT,
            user_agent="tacenda",
            seconds_between_requests=None,
            seconds_between_writes=None,
        )
        self._failures = (requests.RequestException, OSError, ValueError)
        self._lock = threading.Lock()

    def call(
        self,
        method: str,
        path: str,
        asked: Asked,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        expected: tuple[int, ...] = (),
    ) -> Answer:
        """Return an answer.

        Args:
            method: the HTTP method.
            path: the escaped path.
            asked: what the call is about, for messages.
            body: a JSON object; values in it are sealed.
            query: the query.
            expected: statuses of failure that the caller looks at itself.

        Raises:
            SecretError: for every other status, and if there is no answer.
        """
        answer = self._ask(method, path, asked, body, query)
        if answer.status in expected:
            return answer
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise failure(answer, asked)
        if answer.status == HTTPStatus.OK and not answer.body:
            raise malformed(asked)
        return answer

    def pages(self, path: str, asked: Asked) -> Iterator[dict[str, Any]]:
        """Yield the items of a listing, page by page."""
        seen = 0
        for number in itertools.count(1):
            body = self.call("GET", path, asked, query={"per_page": PAGE, "page": number}).body
            items, total = body.get("secrets"), body.get("total_count")
            if not isinstance(items, list) or not isinstance(total, int):
                raise malformed(asked)
            yield from items
            seen += len(items)
            if seen >= total or not items:
                return

    def seal(self, public_key: str, value: str, asked: Asked) -> str:
        """Return a value as only GitHub can read it: a libsodium sealed box, in base64.

        Raises:
            BackendUnavailable: if the public key is none.
        """
        seal = load_sdk("github.PublicKey", backend="github", extra="github").encrypt
        try:
            return str(seal(public_key, value))
        except (TypeError, ValueError):  # PyNaCl's own errors are of both kinds
            failed = malformed(asked)
        del value
        raise failed

    def close(self) -> None:
        """Close the connection."""
        self._github.close()

    def _ask(
        self, method: str, path: str, asked: Asked, body: Mapping[str, Any] | None, query: Mapping[str, Any] | None
    ) -> Answer:
        ask: Callable[..., tuple[int, Mapping[str, str], str]] = self._github.requester.requestJson
        try:
            with self._lock:
                return Answer.of(*ask(method, path, parameters=query, input=body))
        except RuntimeError:  # PyGithub's word for a redirect to another server, where it does not go
            failed = malformed(asked)
        except self._failures as error:
            failed = unreachable(error, asked)
        raise failed


def address(settings: Mapping[str, Any]) -> str:
    """Return the API's address, checked; see `checked_url` for what it raises."""
    url = str(settings.get("api_url") or GITHUB).rstrip("/")
    example = "https://github.example.com/api/v3"
    return checked_url(url, "github: api_url", settings, example=example, credentials="GH_ENTERPRISE_TOKEN")


def token_of(given: str | None, url: str) -> Secret:
    """Return the token that is set, or that the environment has for this server.

    Args:
        given: the setting `token`.
        url: the API's address.

    Raises:
        ConfigurationError: if there is none, with the variable's name; or if no request can carry it.
    """
    host = urlsplit(url).hostname or ""
    variables = _TOKENS if host == "api.github.com" or host.endswith(".ghe.com") else _ENTERPRISE_TOKENS
    token = Secret((given or next(filter(None, map(os.environ.get, variables)), "")).strip())
    del given  # so that no error's frame shows it
    if token.isascii() and token.isprintable() and token:
        return token
    raise ConfigurationError(
        f"github: {'the token holds characters that none has' if token else 'there is no token'} for {host}",
        hint=f"set {variables[0]}, for one to `gh auth token --hostname {host.removeprefix('api.')}`",
    )
