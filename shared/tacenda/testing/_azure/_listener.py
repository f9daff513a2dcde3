"""HTTP/1.1 with keep-alive on a port, in threads of this process, with or without TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tacenda.testing._azure._messages import Request, Response

if TYPE_CHECKING:
    import ssl

__all__ = ["Listener"]

_BODY_LIMIT = 4 * 1024 * 1024


class Listener(ThreadingHTTPServer):
    """Listens until it is stopped.

    Args:
        address: host and port; port 0 is any.
        answer: what is called for each request, in a thread of its connection.
        context: TLS; None for plain HTTP.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], answer: Callable[[Request], Response], context: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)
        if context:  # the handshake is the connection's thread's: a client that is slow holds up nobody
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Stop listening, and cut every connection."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection in mind for `stop`."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent: what ends here are cut connections and clients that do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: Listener
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
