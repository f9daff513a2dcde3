"""A server that answers as told: for what no real server can be made to say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """What was asked: `GET /path`, the headers, the body."""

    line: str
    headers: dict[str, str]
    body: bytes


class Stub(ThreadingHTTPServer):
    """Answers every request with `status`, `headers` and `body`; keeps the requests."""

    daemon_threads = True
    status = 200
    body = b"{}"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: dict[str, str] = {}
        self.requests: list[Request] = []
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Override to look at the request."""
        return self.status, self.body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(f"{self.command} {self.path}", dict(self.headers), self.rfile.read(length))
        self.server.requests.append(request)
        status, body = self.server.answer(request)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **self.server.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of http.server

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    """Serve in a thread as long as the block lasts."""
    threading.Thread(target=stub.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield stub
    finally:
        stub.shutdown()
        stub.server_close()
