"""A gateway in front of a real server: it counts requests, adds delay, and can be taken down and put back.

Faults of the network are made here, on real sockets, so that the server behind keeps its data.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from socketserver import BaseRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tacenda.testing._listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Gateway"]

_REQUEST = re.compile(rb"([A-Z]+ \S+) HTTP/1\.1\r\n")
_CHUNK = 65536


class Gateway:
    """Forwards connections on a loopback port of its own to a server, as a context manager.

    Args:
        target: the server's URL, such as `http://127.0.0.1:8200`.
        delay: how long each request is held back, in seconds.

    Attributes:
        url: the URL to use instead of the target's.
        requests: each plain HTTP request seen so far, such as `GET /v1/secret/data/api-keys`.
    """

    def __init__(self, target: str, *, delay: float = 0.0) -> None:
        parts = urlsplit(target)
        self.delay = delay
        self.requests: list[str] = []
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._scheme = parts.scheme
        self._listener: _Listener | None = _Listener(self, 0)
        self._port = self._listener.port
        self.url = f"{self._scheme}://127.0.0.1:{self._port}"

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._listener:
            self._listener.stop()
            self._listener = None

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Inside the block nothing listens on the port, and open connections are cut."""
        self.close()
        try:
            yield
        finally:
            self._listener = _Listener(self, self._port)

    def forward(self, client: socket.socket, listener: _Listener) -> None:
        """Pass bytes between one client and the target until either side ends."""
        with socket.create_connection(self._target) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as on the client's side
            listener.connections.add(server)
            answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
            answers.start()
            _copy(client, server, self._note)
            answers.join()
            listener.connections.discard(server)

    def _note(self, chunk: bytes) -> None:
        # A client without pipelining starts each request with a chunk of its own.
        match = _REQUEST.match(chunk)
        if match:
            self.requests.append(match[1].decode("ascii", "replace"))
        if self.delay and (match or self._scheme == "https"):
            time.sleep(self.delay)


class _Listener(Listener):
    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        super().__init__(("127.0.0.1", port), _Forward)
        self.start()


class _Forward(BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.server.gateway.forward(self.request, self.server)


def _copy(source: socket.socket, sink: socket.socket, note: Callable[[bytes], None] | None = None) -> None:
    try:
        while chunk := source.recv(_CHUNK):
            if note:
                note(chunk)
            sink.sendall(chunk)
    except OSError:
        pass
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
