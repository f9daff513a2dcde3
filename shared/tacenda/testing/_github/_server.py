"""HTTP for the GitHub double: authentication, routes, pages, rate limits, and the faults that tests ask for."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tacenda.testing._github._homes import Refused
from tacenda.testing._listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.testing._github._homes import Home

__all__ = ["Fault", "Server"]

Fault = tuple[int, str, dict[str, str]]
"""A status, a message and headers that are answered instead."""

_DOCUMENTATION = "https://docs.github.com/rest/actions/secrets"
_PAGE, _LARGEST_PAGE = 30, 100


class Server(Listener):
    """Serves sets of secrets.

    Args:
        address: host and port to listen on.
        homes: each set, under its path without the final `/secrets`.
        fault: returns what is answered instead of the truth for a request's path, or None.
        authorized: returns whether an `Authorization` header holds the token.
    """

    def __init__(
        self,
        address: tuple[str, int],
        homes: dict[str, Home],
        fault: Callable[[str], Fault | None],
        authorized: Callable[[str], bool],
    ) -> None:
        self.homes, self.fault, self.authorized = homes, fault, authorized
        self.requests: list[str] = []
        self.lock = threading.Lock()
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server
        server.requests.append(f"{self.command} {self.path}")
        path = urlsplit(self.path).path.removeprefix("/api/v3")
        fault = server.fault(path)
        if fault is not None:
            status, message, headers = fault
            self._answer(status, _error(status, message), headers)
        elif not server.authorized(self.headers.get("Authorization") or ""):
            self._answer(401, _error(401, "Bad credentials"))
        else:
            try:
                with server.lock:
                    status, answer, headers = self._routed(path, body)
            except Refused as refused:
                status, answer, headers = refused.status, _error(refused.status, refused.message), {}
            self._answer(status, answer, headers)

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - names of http.server

    def _routed(self, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        place, found, name = path.partition("/secrets")
        home = self.server.homes.get(unquote(place).lower())
        if not found or home is None:
            raise Refused(404, "Not Found")
        route, name = (self.command, "" if not name else "NAME"), unquote(name.lstrip("/"))
        if route == ("GET", ""):
            return self._listed(home)
        if route == ("GET", "NAME"):
            return 200, home.public_key() if name == "public-key" else home.item(name), {}
        if route == ("PUT", "NAME"):
            return (201, {}, {}) if home.put(name, _object(body)) else (204, None, {})
        if route == ("DELETE", "NAME"):
            home.delete(name)
            return 204, None, {}
        raise Refused(404, "Not Found")

    def _listed(self, home: Home) -> tuple[int, Any, dict[str, str]]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        size = min(int(query.get("per_page", _PAGE)), _LARGEST_PAGE)
        number = int(query.get("page", 1))
        names = home.names()
        shown = [home.item(name) for name in names[(number - 1) * size : number * size]]
        more = number * size < len(names)
        url = f"http://{self.headers.get('Host')}{urlsplit(self.path).path}?per_page={size}&page={number + 1}"
        return 200, {"total_count": len(names), "secrets": shown}, {"Link": f'<{url}>; rel="next"'} if more else {}

    def _answer(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        told = {
            "Content-Type": "application/json; charset=utf-8",
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
            **(headers or {}),
        }
        for name, value in told.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: object) -> None:
        """Stay quiet: requests are in `requests`."""


def _error(status: int, message: str) -> dict[str, str]:
    return {"message": message, "documentation_url": _DOCUMENTATION, "status": str(status)}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "Problems parsing JSON")
    return found
