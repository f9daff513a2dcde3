"""The addresses that the page names, each led to a server on this machine: its flows run unchanged."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import Any

from stub_server import Request, Stub, running

from tacenda.testing._certificates import Certificates
from tacenda.testing._gateway import _copy
from tacenda.testing._listener import Listener

_HEAD_END = b"\r\n\r\n"


class Internet(Listener):
    """A proxy that connects to some addresses and to no other.

    Args:
        routes: for each `host:port` the port of this machine that stands for it.
        authorities: the files of the certificate authorities that clients must trust.
    """

    def __init__(self, routes: Mapping[str, int], *authorities: str) -> None:
        self.routes = routes
        self._directory = tempfile.TemporaryDirectory(prefix="tacenda-internet-")
        self._bundle = Path(self._directory.name, "authorities.pem")
        self._bundle.write_text("".join(Path(file).read_text() for file in authorities))
        super().__init__(("127.0.0.1", 0), _Tunnel)

    def __enter__(self) -> Internet:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._directory.cleanup()

    def environment(self) -> dict[str, str]:
        """Return the variables with which programs use this proxy and trust what is behind it."""
        proxy, direct = f"http://127.0.0.1:{self.port}", "127.0.0.1,localhost"
        proxies = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": direct, "no_proxy": direct}
        return {**proxies, "REQUESTS_CA_BUNDLE": str(self._bundle)}


class _Tunnel(BaseRequestHandler):
    server: Internet

    def handle(self) -> None:
        head = b""
        while _HEAD_END not in head:
            chunk = self.request.recv(65536)
            if not chunk:
                return
            head += chunk
        port = self.server.routes.get(head.split()[1].decode())
        if port is None:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            self.request.sendall(b"HTTP/1.1 200 Connection established" + _HEAD_END)
            answers = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
            answers.start()
            _copy(self.request, server)
            answers.join()


class Api(Stub):
    """The API of the page: tells some data, or repeats what it was sent.

    Attributes:
        echoes: whether it repeats the headers.
    """

    data: dict[str, Any] = {"items": ["one", "two"]}  # noqa: RUF012
    echoes = False

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Return the data; with the token, where it echoes."""
        return 200, json.dumps({**self.data, **({"headers": request.headers} if self.echoes else {})}).encode()


class BigQuery(Stub):
    """As much of BigQuery as a query needs; it serves whoever shows a token.

    Attributes:
        row: the only row of every table.
    """

    row: dict[str, str] = {"name": "ada", "place": "somewhere"}  # noqa: RUF012

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Start a query, or tell its result."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not headers.get("authorization", "").startswith("Bearer "):
            return 401, b"{}"
        job = {"projectId": "my-project", "jobId": "example-job", "location": "EU"}
        query = {"query": "", "destinationTable": {"projectId": "my-project", "datasetId": "d", "tableId": "t"}}
        if request.line.startswith("POST") or "/jobs/" in request.line:
            configuration = {"jobType": "QUERY", "query": query}
            done = {"jobReference": job, "configuration": configuration, "status": {"state": "DONE"}}
            return 200, json.dumps({**done, "statistics": {"query": {"statementType": "SELECT"}}}).encode()
        schema = {"fields": [{"name": name, "type": "STRING", "mode": "NULLABLE"} for name in self.row]}
        rows = [{"f": [{"v": value} for value in self.row.values()]}]
        result = {"jobReference": job, "jobComplete": True, "totalRows": "1", "schema": schema, "rows": rows}
        return 200, json.dumps(result).encode()


@contextmanager
def served(stub: Stub, *names: str) -> Iterator[str]:
    """Serve a stub over TLS under these names, and yield the file of the authority to trust."""
    certificates = Certificates(*names)
    stub.socket = certificates.server_context().wrap_socket(stub.socket, server_side=True)
    try:
        with running(stub):
            yield certificates.ca_cert
    finally:
        certificates.close()
