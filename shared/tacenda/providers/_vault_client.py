"""Authenticated calls to one Vault server: a request, the token it needs, and one repetition after a new login."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda.providers._asked import Asked
from tacenda.providers._vault_auth import Login
from tacenda.providers._vault_errors import content, failure, from_vault, malformed
from tacenda.providers._vault_transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from tacenda._errors import SecretError

__all__ = ["Answer", "Client"]


class Answer(NamedTuple):
    """What Vault answered.

    Attributes:
        status: the HTTP status.
        body: the JSON object.
        error: what the status means if it is no success; raised unless the caller expected it.
    """

    status: int
    body: dict[str, Any]
    error: SecretError | None = None

    def __repr__(self) -> str:
        return f"<Answer {self.status} [masked]>"

    @property
    def data(self) -> dict[str, Any]:
        """The object under `data`; empty if there is none."""
        return self.body.get("data") or {}

    def says(self, words: str) -> bool:
        """Return whether the errors or warnings hold certain words."""
        return re.search(words, f"{self.body.get('errors')} {self.body.get('warnings')}") is not None


class Client:
    """One server, one login, up to 16 connections; safe for threads, not across a fork.

    Args:
        url: the server's address.
        settings: the stack entry's.
        base: the directory that relative paths start at.
        server: the server, for messages.
        protect: called with each credential and a label before its first use.
    """

    def __init__(
        self, url: str, settings: Mapping[str, Any], base: Path, server: str, protect: Callable[[str, str], object]
    ) -> None:
        self.server = server
        self._transport = Transport(url, settings, base)
        self._login = Login(settings, self._transport, server, protect)

    def call(
        self,
        method: str,
        path: str,
        asked: Asked,
        *,
        body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        expected: tuple[int, ...] = (),
    ) -> Answer:
        """Return an answer.

        Args:
            method: the HTTP method.
            path: the escaped path after `/v1/`.
            asked: what the call is about, for messages.
            body: JSON; pass `SecretBytes`.
            params: the query.
            expected: statuses of failure that the caller looks at itself.

        Raises:
            SecretError: for every other status, and if there is no answer.
        """
        token = self._login.token()
        response = self._transport.request(method, path, asked, token=token, body=body, params=params)
        if response.status_code == HTTPStatus.FORBIDDEN and self._login.renew(token):
            token = self._login.token()
            response = self._transport.request(method, path, asked, token=token, body=body, params=params)
        found = content(response)
        error = None if response.status_code < HTTPStatus.MULTIPLE_CHOICES else failure(response, asked)
        if error is None and response.content and not found:
            error = malformed(asked)
        # What is worth repeating is the store's business, whatever its status.
        if error and (error.retry_for or response.status_code not in expected or not from_vault(found)):
            raise error
        return Answer(response.status_code, found, error)

    def verify(self) -> None:
        """Raise unless the server answers and accepts our credentials."""
        self._login.verify()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
