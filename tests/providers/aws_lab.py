"""A real moto server with IAM in force: identities, policies and faults, made by the operator's own means."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tacenda.providers.aws import AwsProvider
from tacenda.testing import Gateway, Moto

ACCOUNT = "123456789012"
_EVERYTHING = ("secretsmanager:*", "sts:*")
_TARGET = re.compile(rb"X-Amz-Target: secretsmanager\.(\w+)|\bAction=(\w+)")


class AwsGateway(Gateway):
    """The way to moto that notes each operation and can answer as AWS does when it is busy.

    Attributes:
        operations: each operation seen so far, such as `GetSecretValue` or `AssumeRole`.
        refusal: what to answer instead of asking moto: a status, and the body.
        expired: access key ids whose session is over.
    """

    def __init__(self, target: str, *, delay: float = 0.0) -> None:
        self.operations: list[str] = []
        self.refusal: tuple[int, bytes] | None = None
        self.expired: set[str] = set()
        self._until = 0.0
        super().__init__(target, delay=delay)

    @contextlib.contextmanager
    def answering(self, status: int, body: bytes, seconds: float = 3600.0) -> Iterator[None]:
        """Answer each request like that, for some seconds or as long as the block lasts."""
        self.refusal, self._until = (status, body), time.monotonic() + seconds
        try:
            yield
        finally:
            self.refusal = None

    def throttled(self, seconds: float = 3600.0) -> contextlib.AbstractContextManager[None]:
        """Answer as AWS does when there are too many requests."""
        return self.answering(400, error("ThrottlingException", "Rate exceeded"), seconds)

    def forward(self, client: socket.socket, listener: Any) -> None:
        """Pass a connection on, or answer its request: moto closes each connection after one."""
        if self.expired and any(key.encode() in client.recv(65536, socket.MSG_PEEK) for key in self.expired):
            self._refuse(client, 400, error("ExpiredTokenException", "The security token is expired"))
        elif self.refusal is None or time.monotonic() > self._until:
            super().forward(client, listener)
        else:
            self._refuse(client, *self.refusal)

    def _refuse(self, client: socket.socket, status: int, body: bytes) -> None:
        request = client.recv(65536)
        head, _, rest = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head, re.IGNORECASE)
        missing = int(length[1]) - len(rest) if length else 0
        while missing > 0:
            missing -= len(client.recv(65536)) or missing
        self._note(request)
        kind = b"application/x-amz-json-1.1" if body[:1] == b"{" else b"text/html"
        client.sendall(
            b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, kind, len(body), body)
        )

    def _note(self, chunk: bytes) -> None:
        super()._note(chunk)
        for target in _TARGET.finditer(chunk):
            self.operations.append((target[1] or target[2]).decode())


class WatchedGateway(AwsGateway):
    """The way to moto that also notes whom and what is asked for.

    Attributes:
        roles: the ARN of each role assumed so far.
        names: the name or ARN of each secret asked for by itself.
    """

    def __init__(self, target: str) -> None:
        self.roles: list[str] = []
        self.names: list[str] = []
        super().__init__(target)

    def _note(self, chunk: bytes) -> None:
        super()._note(chunk)
        text = unquote(chunk.decode("utf-8", "replace"))
        self.roles += [part.partition("&")[0] for part in text.split("RoleArn=")[1:]]
        self.names += [part.partition('"')[0] for part in text.split('"SecretId": "')[1:]]


class AwsLab:
    """One identity on an empty moto server, where only what its policy allows can be done.

    Args:
        server: the server; what it holds is forgotten.
        gateway: the way to it.
    """

    def __init__(self, server: Moto, gateway: AwsGateway) -> None:
        self.server, self.gateway = server, gateway
        self.root, self.iam = _client(server, "secretsmanager"), _client(server, "iam")
        self._roots = 0
        server.reset()
        with self.as_root():
            self.iam.create_user(UserName="example-user")
            self.allow("*")
            self.key = self._new_key()

    # -- providers -----------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a stack entry that lead here, without credentials."""
        return {"region": self.server.region, "endpoint_url": self.gateway.url}

    @property
    def credentials(self) -> dict[str, str]:
        """The identity's, as settings."""
        return {"aws_access_key_id": self.key["AccessKeyId"], "aws_secret_access_key": self.key["SecretAccessKey"]}

    def provider(self, **settings: Any) -> AwsProvider:
        """Return a provider that leads here as the identity; a setting that is None is left out."""
        chosen = {**self.settings, **self.credentials, **settings}
        return AwsProvider({name: value for name, value in chosen.items() if value is not None}, Path())

    def bare(self, **settings: Any) -> AwsProvider:
        """Return a provider that leads here and finds its credentials itself."""
        return self.provider(**{**dict.fromkeys(self.credentials), **settings})

    # -- the operator --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def as_root(self) -> Iterator[Any]:
        """A client that may do everything, as long as the block lasts."""
        self._roots += 1
        self.server.enforce_iam(False)
        try:
            yield self.root
        finally:
            self._roots -= 1
            self.server.enforce_iam(self._roots == 0)

    def put(self, name: str, value: str | bytes = "example", **options: Any) -> str:
        """Create a secret as `aws secretsmanager create-secret` does; return its ARN."""
        kind = "SecretString" if isinstance(value, str) else "SecretBinary"
        with self.as_root() as root:
            return str(root.create_secret(Name=name, **{kind: value}, **options)["ARN"])

    def allow(self, *resources: str, actions: Sequence[str] = _EVERYTHING, denied: str = "") -> None:
        """Give the identity a policy: some actions on some ARNs, but for the secrets of one name."""
        statements = [{"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}]
        if denied:
            statements.append({"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": arn(denied)})
        self.policy({"Version": "2012-10-17", "Statement": statements})

    def policy(self, document: dict[str, Any]) -> None:
        """Give the identity this policy and no other."""
        with self.as_root():
            self.iam.put_user_policy(
                UserName="example-user", PolicyName="example-policy", PolicyDocument=json.dumps(document)
            )

    @contextlib.contextmanager
    def denied(self, name: str) -> Iterator[None]:
        """Deny one secret for a while, by a real policy."""
        self.allow("*", denied=name)
        try:
            yield
        finally:
            self.allow("*")

    def role(self, name: str = "ExampleRole", *, external_id: str = "") -> str:
        """Make a role that the identity may assume, if need be with an external id only; return its ARN."""
        everything = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
        user = f"arn:aws:iam::{ACCOUNT}:user/example-user"
        trusted: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": [user]}}
        if external_id:
            trusted["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        allow, trust = ({"Version": "2012-10-17", "Statement": [one]} for one in (everything, trusted))
        with self.as_root():
            made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
            self.iam.put_role_policy(RoleName=name, PolicyName="example", PolicyDocument=json.dumps(allow))
        return str(made["Role"]["Arn"])

    def session(self, role: str) -> dict[str, str]:
        """Return the temporary credentials of a role, as metadata services spell them."""
        with self.as_root():
            found = _client(self.server, "sts").assume_role(RoleArn=role, RoleSessionName="example")["Credentials"]
        return {
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def write_credentials(self, profile: str = "default") -> None:
        """Write the identity's keys where `aws configure` puts them, in the test's own home."""
        file = Path("~/.aws/credentials").expanduser()
        file.parent.mkdir(exist_ok=True)
        names = ("aws_access_key_id", "aws_secret_access_key")
        file.write_text("\n".join([f"[{profile}]", *(f"{name} = {self.credentials[name]}" for name in names), ""]))

    def rotate_key(self) -> None:
        """Make the identity's access key invalid, and a new one."""
        with self.as_root():
            self.iam.delete_access_key(UserName="example-user", AccessKeyId=self.key["AccessKeyId"])
            self.key = self._new_key()

    def _new_key(self) -> dict[str, str]:
        key: dict[str, str] = self.iam.create_access_key(UserName="example-user")["AccessKey"]
        return key


@functools.cache
def _client(server: Moto, service: str) -> Any:
    return server.client(service)  # making one takes longer than most tests


def arn(name: str) -> str:
    """Return the pattern of a secret's ARN as policies have it."""
    return f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-*"


def error(code: str, message: str) -> bytes:
    """Return the body of an error in AWS's JSON protocol."""
    return json.dumps({"__type": code, "Message": message}).encode()
