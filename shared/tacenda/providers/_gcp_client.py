"""Calls to Secret Manager through its SDK: a channel, a login, and one repetition where a token was refused."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacenda._errors import BackendUnavailable, ConfigurationError
from tacenda.providers._asked import UNREACHABLE_FOR
from tacenda.providers._gcp_errors import Asked, failure
from tacenda.providers._gcp_login import Login
from tacenda.providers._gcp_payload import Payload
from tacenda.providers._sdk import load_sdk
from tacenda.providers._sdk_log import quiet

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tacenda._errors import SecretError
    from tacenda.providers._gcp_names import Endpoint, SecretName

__all__ = ["Client"]

TIMEOUT = 30.0
"""To wait for an answer, in seconds."""
_SDK = "google.cloud.secretmanager_v1"
_TRANSPORT = f"{_SDK}.services.secret_manager_service.transports.grpc"
_TELLING = {  # what a token is asked for with, such as another provider's token; values, in base64
    "google.auth.transport.requests": logging.DEBUG,
    _TRANSPORT: logging.DEBUG,
}
_ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
_OPTIONS = [
    # A server that is back is found at once, not after two minutes: how often to ask is for the store to say.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # which is how long connecting may take
    # A connection that has died silently (so nobody acknowledges what is sent) is noticed within seconds of the next
    # call, not after TIMEOUT.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Who asks no more does not go on connecting, ten times a second, to a server that is not there.
    ("grpc.client_idle_timeout_ms", 30_000),
    ("grpc.use_local_subchannel_pool", 1),  # connections of our own: closed with us, shared with nobody
    ("grpc.max_receive_message_length", -1),
]


class Client:
    """One endpoint, one login, one channel; safe for threads, not across a fork.

    Args:
        endpoint: the server.
        protect: called with each credential and a label before its first use.
        project: the project of names alone, if it is known.

    Attributes:
        server: the server, for messages.
        project: the same; else the one that the credentials name.
        locks: by resource name, held by this process's only writer of a secret.
        leases: by resource name, the id of a lease that may still stand there, and is ours.
        unfinished: resource names of secrets that were created here and have no version yet.
    """

    def __init__(self, endpoint: Endpoint, protect: Callable[[str, str], object], project: str | None) -> None:
        self.server = str(endpoint)
        self.locks: dict[str, threading.Lock] = {}
        self.leases: dict[str, str] = {}
        self.unfinished: set[str] = set()
        sdk = load_sdk(_SDK, backend="gcp", extra="gcp")
        with quiet(_TELLING):
            self._login = Login(self.server, protect, project) if endpoint.tls else None
        self.project = self._login.project if self._login else project
        self._channel = self._connect(endpoint)
        transport = load_sdk(_TRANSPORT, backend="gcp", extra="gcp").SecretManagerServiceGrpcTransport
        self._sdk = sdk.SecretManagerServiceClient(transport=transport(channel=self._channel, host=endpoint.target))
        self._failures = load_sdk("google.api_core.exceptions", backend="gcp", extra="gcp").GoogleAPICallError

    def call(self, method: str, verb: str, at: SecretName, *, timeout: float = TIMEOUT, **request: Any) -> Any:
        """Return the SDK's answer.

        Args:
            method: the SDK's name of the method, such as `access_secret_version`.
            verb: what it does, for messages.
            at: what it is about, for messages.
            timeout: how long to wait for the answer, in seconds; a login counts, so nothing is sent later than that.
            **request: the fields of its request; pass what is secret as `Payload`.

        Raises:
            SecretError: for every answer but success, and if there is none.
        """
        until = time.monotonic() + timeout
        with quiet(_TELLING):
            token = self._login.token() if self._login else None
            answer, code, failed = self._send(method, verb, at, until, request)
            if code == "UNAUTHENTICATED" and self._login and token:
                self._login.renew(token)
                answer, code, failed = self._send(method, verb, at, until, request)
        if failed:
            raise failed
        return answer

    def at(self, name: SecretName) -> SecretName:
        """Return a name with its project.

        Raises:
            ConfigurationError: if neither settings nor credentials name one.
        """
        if name.project is None and self.project is None:
            raise ConfigurationError(
                "gcp: there is no project: set project_id, or GOOGLE_CLOUD_PROJECT",
                hint="`gcloud config set project PROJECT` gives one to a login of gcloud",
            )
        return name if name.project else name._replace(project=self.project)

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()

    def _send(
        self, method: str, verb: str, at: SecretName, until: float, request: dict[str, Any]
    ) -> tuple[Any, str, SecretError | None]:
        try:
            answer = getattr(self._sdk, method)(
                request={
                    name: value.fields() if isinstance(value, Payload) else value for name, value in request.items()
                },
                retry=None,
                timeout=max(0.0, until - time.monotonic()),
            )
        except self._failures as error:
            identity = self._login.identity if self._login else None
            code = getattr(error.grpc_status_code, "name", "")
            return None, code, failure(error, Asked(self.server, verb, at, identity))
        except ValueError:  # of gRPC: another thread closed the provider
            closed = BackendUnavailable(
                f"{Asked(self.server, verb, at)}: the connection was closed", retry_for=UNREACHABLE_FOR
            )
            return None, "", closed
        return answer, "", None

    def _connect(self, endpoint: Endpoint) -> Any:
        grpc = load_sdk("grpc", backend="gcp", extra="gcp")
        if self._login is None:
            return grpc.insecure_channel(endpoint.target, options=_OPTIONS)
        # gRPC itself would read that file once per process, and keep it.
        path = os.environ.get(_ROOTS)
        encryption = grpc.ssl_channel_credentials(_roots(path) if path else None)
        credentials = grpc.metadata_call_credentials(self._login.headers)
        return grpc.secure_channel(
            endpoint.target, grpc.composite_channel_credentials(encryption, credentials), options=_OPTIONS
        )


def _roots(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = error.strerror
    raise ConfigurationError(
        f"gcp: cannot read the certificate authorities' file {path}: {why}", hint=f"check {_ROOTS}"
    )
