"""The AWS server that ships for tests: real, ready when it says so, as strict as AWS where that matters, and gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import pytest

from tacenda.errors import MissingDependency
from tacenda.testing import Moto, moto
from tacenda.testing import _moto as module

STARTER = """
import time
from tacenda.testing import moto
server = moto()
print(server.url, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Moto]:
    with moto() as server:
        yield server


@pytest.fixture
def server(running: Moto) -> Moto:
    running.enforce_iam(False)
    running.reset()
    return running


def gone(url: str) -> bool:
    """Return whether nothing listens there, after waiting for that a little."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)):
                return True
        time.sleep(0.05)
    return False


def code_of(call: Any) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_it_serves_and_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server answers boto3 inside the block, is gone after it, and leaves no file behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with moto() as server:
        assert urlsplit(server.url).hostname == "127.0.0.1"
        server.client().create_secret(Name="api-keys", SecretString="example")
        assert server.client().get_secret_value(SecretId="api-keys")["SecretString"] == "example"
    assert gone(server.url)
    assert list(tmp_path.iterdir()) == []


def test_reset_forgets(server: Moto) -> None:
    """After a reset the server is as new, in every region."""
    for region in ("us-east-1", "eu-west-1"):
        server.client(region_name=region).create_secret(Name="api-keys", SecretString="example")
    server.reset()
    for region in ("us-east-1", "eu-west-1"):
        assert server.client(region_name=region).list_secrets()["SecretList"] == []


def test_its_environment_is_enough(server: Moto) -> None:
    """A program that knows nothing of us finds the server by AWS's own variables."""
    server.client().create_secret(Name="api-keys", SecretString="example")
    program = (
        "import boto3; print(boto3.client('secretsmanager').get_secret_value(SecretId='api-keys')['SecretString'])"
    )
    environment = {**os.environ, **server.environment()}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "example\n"


def test_iam_policies_hold_for_single_secrets(server: Moto) -> None:
    """With IAM in force a policy's resources are the secrets' ARNs, and refusals have AWS's codes."""
    for name in ("api-keys", "other"):
        server.client().create_secret(Name=name, SecretString="example")
    iam = server.client("iam")
    iam.create_user(UserName="example")
    key = iam.create_access_key(UserName="example")["AccessKey"]
    resource = "arn:aws:secretsmanager:us-east-1:123456789012:secret:api-keys-*"
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="example", PolicyName="example", PolicyDocument=policy)
    server.enforce_iam()
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    user = server.client(**keys)
    assert user.get_secret_value(SecretId="api-keys")["SecretString"] == "example"
    for call in (
        lambda: user.get_secret_value(SecretId="other"),
        lambda: user.get_secret_value(SecretId="nothing"),
        lambda: user.describe_secret(SecretId="api-keys"),
        user.list_secrets,
        lambda: user.batch_get_secret_value(SecretIdList=["api-keys"]),
    ):
        assert code_of(call) == "AccessDeniedException"
    assert code_of(server.client().list_secrets) == "UnrecognizedClientException"
    wrong = server.client(**{**keys, "aws_secret_access_key": "example-wrong"})
    assert code_of(lambda: wrong.get_secret_value(SecretId="api-keys")) == "InvalidSignatureException"


def test_deleted_secrets_keep_their_names(server: Moto) -> None:
    """As in AWS, a deleted secret takes no new version, and its name cannot be created."""
    client = server.client()
    client.create_secret(Name="api-keys", SecretString="example")
    client.delete_secret(SecretId="api-keys")
    for call in (
        lambda: client.put_secret_value(SecretId="api-keys", SecretString="new"),
        lambda: client.create_secret(Name="api-keys", SecretString="new"),
        lambda: client.get_secret_value(SecretId="api-keys"),
    ):
        assert code_of(call) == "InvalidRequestException"


def test_who_moves_the_current_label_moves_what_is_read(server: Moto) -> None:
    """As in AWS, AWSCURRENT is what a plain read returns, also after it was moved and the next version written."""
    client = server.client()
    first = client.create_secret(Name="api-keys", SecretString="one")["VersionId"]
    second = client.put_secret_value(SecretId="api-keys", SecretString="two", VersionStages=["next"])["VersionId"]
    move = {"SecretId": "api-keys", "VersionStage": "AWSCURRENT", "MoveToVersionId": second}
    client.update_secret_version_stage(**move, RemoveFromVersionId=first)
    assert client.get_secret_value(SecretId="api-keys")["SecretString"] == "two"
    assert code_of(lambda: client.update_secret_version_stage(**move, RemoveFromVersionId=first))
    client.put_secret_value(SecretId="api-keys", SecretString="three")
    stages = client.describe_secret(SecretId="api-keys")["VersionIdsToStages"]
    assert "AWSPREVIOUS" in stages[second]
    assert [label for labels in stages.values() for label in labels].count("AWSCURRENT") == 1


def test_a_killed_starter_leaves_no_server() -> None:
    """The server ends with the process that started it, even by SIGKILL."""
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        url = starter.stdout.readline().strip()
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait(10)
    assert gone(url)


def test_a_taken_port_is_not_the_end(server: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody else is faster on the port that was free, even another moto, another port is tried."""
    ports = iter([urlsplit(server.url).port])
    free = module.free_port
    monkeypatch.setattr(module, "free_port", lambda: next(ports, None) or free())
    with moto() as second:
        assert second.url != server.url
        assert second.client().list_secrets()["SecretList"] == []


def test_without_the_package_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without moto the error says what to install."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency) as caught:
        moto()
    assert "tacenda[testing]" in str(caught.value)
