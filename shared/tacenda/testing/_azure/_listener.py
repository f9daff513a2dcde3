"""HTTP/1.1 with keep-alive on a port, in threads of this process, with or without TLS."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tacenda.testing._azure._messages import Request, Response
from tacenda.testing._listener import Listener

if TYPE_CHECKING:
    import ssl

__all__ = ["HttpListener"]

_BODY_LIMIT = 4 * 1024 * 1024


class HttpListener(Listener):
    """Listens until it is stopped.

    Args:
        address: host and port; port 0 is any.
        answer: what is called for each request, in a thread of its connection.
        context: TLS; None for plain HTTP.
    """

    def __init__(
        self, address: tuple[str, int], answer: Callable[[Request], Response], context: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer
        super().__init__(address, _Handler)
        if context:  # the handshake is the connection's thread's: a client that is slow holds up nobody
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.start()


class _Handler(BaseHTTPRequestHandler):
    server: HttpListener
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tacenda-test", ""
    wbufsize = -1  # head and body in one piece
    timeout = 600

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            self.close_connection = True
            self._send(Response(413, {"error": {"code": "RequestEntityTooLarge", "message": "Too large."}}))
            return
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        try:
            response = self.server.answer(request)
        except Exception as failure:  # noqa: BLE001 - without its text, which may hold a value
            message = f"The test server failed: {type(failure).__name__}"
            response = Response(500, {"error": {"code": "InternalServerError", "message": message}})
        self._send(response)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _send(self, response: Response) -> None:
        body = b"" if response.content is None else json.dumps(response.content).encode()
        self.send_response(response.status)
        for name, text in response.headers.items():
            self.send_header(name, text)
        if body:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if response.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Write nothing anywhere."""
