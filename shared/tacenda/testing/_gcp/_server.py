"""The gRPC server of the double, and clients of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tacenda.testing._gcp._errors import Refused
from tacenda.testing._gcp._service import METHODS, Service
from tacenda.testing._gcp._tokens import Tokens

__all__ = ["Listener", "connect"]

_THREADS = 16
_GRACE = 0.05  # seconds; none at all makes connected clients log an abrupt end
_REBIND_TIMEOUT = 5.0  # seconds; gRPC closes its listening socket a moment after it says so


class Listener:
    """The gRPC server on one port, which it keeps while it is stopped.

    Args:
        service: what answers.
        tokens: says who asks.
        host: the address to bind.
        port: the port; 0 for a free one.
        certificates: PEM of the private key and of the certificate chain; None for no TLS.
    """

    def __init__(
        self, service: Service, tokens: Tokens, *, host: str, port: int, certificates: tuple[bytes, bytes] | None
    ) -> None:
        self._service = service
        self._tokens = tokens
        self._host = host
        self._credentials = grpc.ssl_server_credentials([certificates]) if certificates else None
        self.port = port
        self._server: Any = self._listen(deadline=0)

    def start(self) -> None:
        """Listen again after `stop`, on the same port."""
        if self._server is None:
            self._server = self._listen(time.monotonic() + _REBIND_TIMEOUT)

    def stop(self) -> None:
        """Stop listening, and break off what is being served."""
        if self._server is not None:
            self._server.stop(_GRACE).wait()
            self._server = None

    def _listen(self, deadline: float) -> Any:
        while True:
            # Without SO_REUSEPORT, or two servers could have one port, each with half of the requests.
            server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
            server.add_generic_rpc_handlers((self._handlers(),))
            try:
                _try_to_bind(self._host, self.port)
                self.port = self._bind(server)
            except (OSError, RuntimeError) as error:
                if time.monotonic() > deadline:
                    raise OSError(f"cannot listen on {self._host}:{self.port}: {error}") from None
                time.sleep(0.05)
            else:
                server.start()
                return server

    def _bind(self, server: Any) -> int:
        address = f"{self._host}:{self.port}"
        port: int
        if self._credentials:
            port = server.add_secure_port(address, self._credentials)
        else:
            port = server.add_insecure_port(address)
        return port

    def _handlers(self) -> Any:
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._handler(name),
                request_deserializer=method.request.FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            )
            for name, method in METHODS.items()
        }
        return grpc.method_handlers_generic_handler("google.cloud.secretmanager.v1.SecretManagerService", handlers)

    def _handler(self, name: str) -> Callable[[Any, Any], Any]:
        def handle(request: Any, context: Any) -> Any:
            metadata = dict(context.invocation_metadata())
            try:
                return self._service.serve(name, request, lambda: self._tokens.identify(name, metadata))
            except Refused as error:
                refused = error
            context.set_trailing_metadata((("grpc-status-details-bin", refused.status()),))
            return context.abort(refused.code, refused.message)  # which raises

        return handle


def _try_to_bind(host: str, port: int) -> None:
    """Raise OSError if somebody listens there: gRPC would write it to stderr besides."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def connect(endpoint: str, token: str | None, certificate: str | None) -> Any:
    """Return the SDK's client of a server.

    Args:
        endpoint: host and port.
        token: sent with each request; None for nothing.
        certificate: the file of the authority; None for no TLS.
    """
    channel = _channel(endpoint, certificate)
    if token:
        channel = grpc.intercept_channel(channel, _Bearer(token))
    transport = SecretManagerServiceGrpcTransport(channel=channel, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    return secretmanager_v1.SecretManagerServiceClient(transport=transport)


def _channel(endpoint: str, certificate: str | None) -> Any:
    # Back to a server that was down at once: by default only after a second, which all channels wait together.
    backoff = [(f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "min", "max")]
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1), *backoff]
    if certificate is None:
        return grpc.insecure_channel(endpoint, options)
    with open(certificate, "rb") as file:
        return grpc.secure_channel(endpoint, grpc.ssl_channel_credentials(file.read()), options)


class _Bearer(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpc publishes no types
    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)
