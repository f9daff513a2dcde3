"""What comes in and what goes out, and errors with the body that the service gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Request", "Response", "ServiceError"]


@dataclass(repr=False)  # a repr would show tokens and values
class Request:
    """One HTTP request, as far as a vault or a login cares.

    Args:
        method: such as `GET`.
        target: path and query as they came.
        headers: looked up in any case.
        body: all of it.
    """

    method: str
    target: str
    headers: Message[str, str]
    body: bytes = b""
    path: list[str] = field(init=False)
    query: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = [unquote(part) for part in parts.path.split("/") if part]
        self.query = {key.lower(): value for key, value in parse_qsl(parts.query, keep_blank_values=True)}

    @property
    def host(self) -> str:
        """What the client calls us: name and port."""
        return self.headers.get("Host") or "127.0.0.1"

    @property
    def form(self) -> dict[str, str]:
        """The body as a login form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ServiceError: 400 BadParameter if it is none.
        """
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ServiceError(400, "BadParameter", "Bad JSON content found in the request.")
        return content


@dataclass(repr=False)
class Response:
    """What a client is answered."""

    status: int = 200
    content: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ServiceError(Exception):
    """A refusal by the vault.

    Args:
        status: of HTTP.
        code: the service's word for it.
        message: the service's sentence.
        inner: the finer code, if there is one.
        headers: to send along.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        inner: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self._error: dict[str, Any] = {"code": code, "message": message}
        if inner:
            self._error["innererror"] = {"code": inner}
        self._status, self._headers = status, headers or {}

    def response(self) -> Response:
        """Return it as the client gets it."""
        return Response(self._status, {"error": self._error}, self._headers)
