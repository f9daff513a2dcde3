"""A real moto server (AWS in memory) for tests and demos, from the PyPI package `moto`.

Where it differs from AWS Secrets Manager: a missing secret is HTTP 404 (AWS: 400, with the same code); values of more
than 65,536 bytes and illegal names are accepted; rotation without a function loses AWSCURRENT; the pages of a batch
do not end early; and any credentials will do, unless `enforce_iam` was called, and even then a temporary session does
not expire. What of moto is corrected is listed in `_moto_server.py`.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tacenda
from tacenda._errors import MissingDependency
from tacenda.testing._process import ServerFailed, ServerProcess, free_port

__all__ = ["Moto", "moto"]

_PORT_ATTEMPTS = 5
_TAKEN = "in use"
_START_TIMEOUT = 60.0
_OURS = str(Path(tacenda.__file__).parents[1])
_NONCE = "TACENDA_TESTING_NONCE"


class Moto:
    """A running moto server, every service in one process; see `moto`.

    Attributes:
        url: its address on loopback, such as `http://127.0.0.1:41873`.
        region: the region of `environment` and `client`.
    """

    region = "us-east-1"

    def __init__(self) -> None:
        if find_spec("moto") is None or find_spec("flask") is None:
            raise MissingDependency(
                "the AWS test server needs the package moto with its extra `server`, which is not installed",
                name="moto",
                hint="pip install 'tacenda[testing]'",
            )
        self._port = 0
        self._nonce = secrets.token_hex(8)
        self._process = self._start()

    def __enter__(self) -> Moto:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        """Return the variables with which another process, or this one, uses this server for AWS."""
        return {
            "AWS_ACCESS_KEY_ID": "example-access-key-id",
            "AWS_SECRET_ACCESS_KEY": "example-secret-access-key",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str = "secretsmanager", **options: Any) -> Any:
        """Return a boto3 client of this server, which nothing in the environment concerns.

        Args:
            service: the service, such as `iam` or `sts`.
            options: passed to boto3's `client`, such as `region_name` or `aws_access_key_id`.
        """
        import boto3
        import botocore.config

        own = {
            "region_name": self.region,
            "aws_access_key_id": "example-access-key-id",
            "aws_secret_access_key": "example-secret-access-key",
            "config": botocore.config.Config(proxies={}, max_pool_connections=50),
        }
        return boto3.Session().client(service, **{**own, "endpoint_url": self.url, **options})

    def reset(self) -> None:
        """Forget all data."""
        self._post("/moto-api/reset")

    def enforce_iam(self, enforced: bool = True) -> None:
        """Let only what IAM policies allow, or everything again; users and policies are made before that.

        Args:
            enforced: whether requests need an identity whose policies allow them.
        """
        self._post("/moto-api/reset-auth", b"0" if enforced else b"inf")

    def close(self) -> None:
        """Stop the server."""
        self._process.stop()

    def log(self) -> str:
        """Return what the running server has written so far."""
        return self._process.log()

    def _start(self) -> ServerProcess:
        for attempt in range(_PORT_ATTEMPTS):
            self._port = free_port()
            try:
                return self._run()
            except ServerFailed as failure:
                if _TAKEN not in str(failure) or attempt == _PORT_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _run(self) -> ServerProcess:
        command = [sys.executable, "-m", "tacenda.testing._moto_server", "-H", "127.0.0.1", "-p", str(self._port)]
        path = [_OURS, *filter(None, [os.environ.get("PYTHONPATH")])]  # by which moto may have been found
        environment = {_NONCE: self._nonce, "HOME": os.devnull, "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path)}
        return ServerProcess(command, environment, self._ready, timeout=_START_TIMEOUT)

    def _ready(self) -> bool:
        try:
            return self._answer("GET", "/moto-api/") == 200
        except (OSError, HTTPException):
            return False

    def _post(self, path: str, body: bytes = b"") -> None:
        status = self._answer("POST", path, body)
        if status != 200:
            raise ServerFailed(f"moto answered {status} to POST {path}:\n{self.log()[-2000:]}")

    def _answer(self, method: str, path: str, body: bytes = b"") -> int | None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status if self._nonce in (answer.getheader("Server") or "") else None


def moto() -> Moto:
    """Start a real moto server on loopback, as a context manager.

    It is ready when this returns, in one to three seconds, and gone after the block, even if this process is killed.

    Raises:
        MissingDependency: if `moto[server]` is not installed.
        ServerFailed: if the server does not start; with what it wrote.

    Example::

        with tacenda.testing.moto() as server:
            server.client().create_secret(Name="api-keys", SecretString='{"API_KEY": "example-key"}')
            entry = {"provider": "aws_secretsmanager", "region": server.region, "endpoint_url": server.url}
    """
    return Moto()
