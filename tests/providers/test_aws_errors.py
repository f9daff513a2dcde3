"""What AWS's answers mean: denied, deleted, busy and wrong are told apart, and nothing is mistaken for missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from aws_lab import ACCOUNT, AwsLab, error
from stub_server import Stub, running

import tacenda
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    Conflict,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers.aws import AwsProvider
from tacenda.testing._conformance._base import refused

# The policy of the page on Metaflow's secrets, with the account of the test server.
DOCUMENTED_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            "Resource": [
                f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:api-keys-*",
                f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db-credentials-*",
            ],
        }
    ],
}
NAMES = [f"api-keys-{number}" for number in range(25)]

Action = Callable[[AwsProvider], Any]
ACTIONS: dict[str, Action] = {
    "read": lambda aws: aws.read("x"),
    "read_many": lambda aws: aws.read_many(["x", "y"]),
    "info": lambda aws: aws.info("x"),
    "list": lambda aws: list(aws.list("")),
    "write": lambda aws: aws.write("x", "example-sent"),
    "create": lambda aws: aws.write("x", "example-sent", create=True),
    "modify": lambda aws: aws.modify("x", lambda document: "example-sent"),
    "delete": lambda aws: aws.delete("x"),
    "check": lambda aws: aws.check(),
}


def store_of(aws: AwsLab, **settings: Any) -> tacenda.SecretStore:
    entry = {"provider": "aws_secretsmanager", **aws.settings, **aws.credentials, **settings}
    return tacenda.open_store(config={"stacks": {"prod": {"secrets": entry, "deadline": 0}}})


# -- the documented grants ---------------------------------------------------------------------------


def test_the_documented_policy_suffices_to_read(aws: AwsLab) -> None:
    """With GetSecretValue and DescribeSecret on named ARNs everything reads; list and write are denied (S1.67, C14)."""
    for name in NAMES:
        aws.put(name, f"value of {name}")
    aws.policy(DOCUMENTED_POLICY)
    with store_of(aws) as store:
        assert store.get("api-keys-0") == "value of api-keys-0"
        assert store.get_many(NAMES) == {name: f"value of {name}" for name in NAMES}
        assert store.info("api-keys-0").version
        refused(AccessDenied, lambda: list(store.list()))
        refused(AccessDenied, lambda: store.set("api-keys-0", "example"))
        refused(AccessDenied, lambda: store.update("other", {"KEY": "example"}))
        refused(AccessDenied, lambda: store.delete("api-keys-0"))


def test_a_batch_that_is_denied_is_asked_for_once(aws: AwsLab) -> None:
    """Who lacks the grant for batches reads one by one, and no later call tries the batch again."""
    for name in NAMES[:4]:
        aws.put(name)
    aws.policy(DOCUMENTED_POLICY)
    with store_of(aws) as store:
        store.get_many(NAMES[:2])
        assert sorted(aws.gateway.operations) == ["BatchGetSecretValue", "GetSecretValue", "GetSecretValue"]
        store.get_many(NAMES[2:4])
        assert aws.gateway.operations[3:] == ["GetSecretValue"] * 2


def test_denied_names_the_identity_and_the_command(aws: AwsLab) -> None:
    """Denied says who may not do what to which secret, and how to check that; it is not missing (S1.72, S1.76)."""
    aws.put("secret-plans")
    aws.policy(DOCUMENTED_POLICY)
    failed = refused(AccessDenied, lambda: aws.provider().read("secret-plans"))
    assert f"arn:aws:iam::{ACCOUNT}:user/example-user" in str(failed)
    assert "secretsmanager:GetSecretValue" in str(failed)
    assert "aws sts get-caller-identity --region us-east-1" in str(failed.hint)
    assert "aws secretsmanager describe-secret --secret-id secret-plans" in str(failed.hint)


# -- writing -----------------------------------------------------------------------------------------


def test_the_update_that_came_second_repeats(aws: AwsLab) -> None:
    """Another writer between our read and our write wins, and nothing of theirs is lost; AWSPREVIOUS is theirs then."""
    aws.put("api-keys", '{"OURS": "old", "THEIRS": "old"}')
    store = aws.provider()
    seen: list[dict[str, str]] = []

    def change(document: Any) -> Any:
        seen.append(json.loads(document.value))
        if len(seen) == 1:
            with aws.as_root() as root:
                root.put_secret_value(SecretId="api-keys", SecretString='{"OURS": "old", "THEIRS": "new"}')
        return {**seen[-1], "OURS": "new"}

    written = store.modify("api-keys", change)
    assert [found["THEIRS"] for found in seen] == ["old", "new"]
    assert json.loads(str(store.read("api-keys").value)) == {"OURS": "new", "THEIRS": "new"}
    assert store.read("api-keys").version == written.version
    assert json.loads(str(store.read("api-keys", "AWSPREVIOUS").value)) == {"OURS": "old", "THEIRS": "new"}


def test_no_label_of_ours_is_left(aws: AwsLab) -> None:
    """After an update only AWS's own labels are there, and the next whole write goes on from it."""
    aws.put("api-keys", "{}")
    store = aws.provider()
    updated = store.modify("api-keys", lambda document: {"KEY": "example"})
    with aws.as_root() as root:
        stages = root.describe_secret(SecretId="api-keys")["VersionIdsToStages"]
    assert sorted(label for labels in stages.values() for label in labels) == ["AWSCURRENT", "AWSPREVIOUS"]
    assert stages[updated.version] == ["AWSCURRENT"]
    store.write("api-keys", "whole")
    assert store.read("api-keys").value == "whole"
    assert store.read("api-keys", "AWSPREVIOUS").version == updated.version


def test_endless_writers_are_a_conflict(aws: AwsLab) -> None:
    """Who is always second is told so in the end, instead of trying for ever."""
    aws.put("api-keys", "0")
    client = aws.server.client(**aws.credentials)

    def change(document: Any) -> str:
        client.put_secret_value(SecretId="api-keys", SecretString=str(int(document.value) + 1))
        return "ours"

    refused(Conflict, lambda: aws.provider().modify("api-keys", change))


def test_created_by_somebody_else_meanwhile(aws: AwsLab) -> None:
    """A secret that appears between "there is none" and our write is updated, not replaced and not refused."""
    store = aws.provider()
    seen: list[Any] = []

    def change(document: Any) -> dict[str, str]:
        seen.append(document)
        if document is None:
            aws.put("api-keys", '{"THEIRS": "example"}')
            return {"OURS": "example"}
        return {**json.loads(document.value), "OURS": "example"}

    store.modify("api-keys", change)
    assert len(seen) == 2
    assert json.loads(str(store.read("api-keys").value)) == {"THEIRS": "example", "OURS": "example"}


def test_deleted_secrets(aws: AwsLab) -> None:
    """A deleted secret is missing; its name is taken until it is gone, and every error says how to get it back."""
    store = aws.provider(recovery_window_in_days=7)
    version = store.write("api-keys", "example-before").version
    store.delete("api-keys")
    for gone in (
        lambda: store.read("api-keys"),
        lambda: store.read("api-keys", version),
        lambda: store.info("api-keys"),
        lambda: store.delete("api-keys"),
    ):
        failed = refused(SecretNotFound, gone, "example-before")
        assert "deleted" in failed.message
        assert "aws secretsmanager restore-secret --secret-id api-keys" in str(failed.hint)
    for taken in (
        lambda: store.write("api-keys", "example-new"),
        lambda: store.write("api-keys", "example-new", create=True),
        lambda: store.modify("api-keys", lambda document: "example-new"),
    ):
        failed = refused(Conflict, taken, "example-new")
        assert "aws secretsmanager restore-secret --secret-id api-keys --region us-east-1" in str(failed.hint)
    with aws.as_root() as root:
        left = root.describe_secret(SecretId="api-keys")["DeletedDate"]
        assert 6 <= (left - root.list_secrets(IncludePlannedDeletion=True)["SecretList"][0]["CreatedDate"]).days <= 7
        root.restore_secret(SecretId="api-keys")
    assert store.read("api-keys").value == "example-before"


def test_tags_are_added(aws: AwsLab) -> None:
    """Tags of a new version are added to those that others gave the secret."""
    aws.put("api-keys", Tags=[{"Key": "cost-center", "Value": "42"}])
    store = aws.provider()
    store.write("api-keys", "example", tags={"owner": "example-team"})
    assert store.info("api-keys").tags == {"cost-center": "42", "owner": "example-team"}


@pytest.mark.parametrize("value", ["", b"", "x" * 65_537, b"x" * 65_537, "é" * 32_769, {"KEY": "x" * 65_530}])
def test_values_that_aws_refuses(aws: AwsLab, value: Any) -> None:
    """Nothing, and more than 65,536 bytes, is refused before it is sent."""
    with store_of(aws) as store:
        refused(Unsupported, lambda: store.set("x", value), *([value] if isinstance(value, str) and value else []))
    assert aws.gateway.requests == []


# -- answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize(
    ("status", "code", "kind", "retry_for"),
    [
        (400, "ThrottlingException", Throttled, 180),
        (400, "RequestLimitExceeded", Throttled, 180),
        (429, "SomethingNew", Throttled, 180),
        (500, "InternalServiceError", BackendUnavailable, 180),
        (503, "ServiceUnavailable", BackendUnavailable, 180),
        (400, "DecryptionFailure", AccessDenied, 0),
        (400, "ValidationException", InvalidReference, 0),
        (400, "LimitExceededException", Unsupported, 0),
        (400, "SomethingNew", BackendUnavailable, 0),
    ],
)
def test_every_code_has_a_meaning(
    aws: AwsLab, action: Action, status: int, code: str, kind: type[SecretError], retry_for: float
) -> None:
    """No answer is mistaken for a missing secret, and each says how long a repetition is worth it; asked once."""
    with aws.gateway.answering(status, error(code, "example reason")):
        failed = refused(kind, lambda: action(aws.provider()), "example-sent")
    assert failed.retry_for == retry_for
    assert len(aws.gateway.requests) == 1


def test_what_was_sent_is_not_repeated(aws: AwsLab) -> None:
    """A validation that quotes what we sent does not get the value into our message."""
    quoted = error("ValidationException", "Value 'example-sent' at 'secretString' failed to satisfy constraint")
    with aws.gateway.answering(400, quoted):
        refused(InvalidReference, lambda: aws.provider().write("x", "example-sent"), "example-sent")


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        ("AccessDeniedException", "Access to KMS is not allowed", "aws kms describe-key"),
        ("DecryptionFailure", "", "aws kms describe-key"),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than ...", "clock"),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "get-caller-identity",
        ),
    ],
)
def test_denied_says_what_to_do(aws: AwsLab, code: str, said: str, hint: str) -> None:
    """A key that may not be used, a wrong clock and an unknown login are denied, each with its own next step."""
    with aws.gateway.answering(400, error(code, said)):
        assert hint in str(refused(AccessDenied, lambda: aws.provider().read("x")).hint)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("body", [b"<html>please log in</html>", b'["please log in"]', b"null", b'{"__type": 7}'])
@pytest.mark.parametrize("status", [200, 403, 404])
def test_something_else_answers(aws: AwsLab, action: Action, status: int, body: bytes) -> None:
    """A proxy's page, and JSON that is none of AWS's, is "could not ask", or a chain would quietly go on."""
    with aws.gateway.answering(status, body):
        failed = refused(BackendUnavailable, lambda: action(aws.provider()), "example-sent")
    assert "did not answer like AWS" in str(failed)


def test_an_answer_without_a_value(aws: AwsLab) -> None:
    """An empty object is not an empty secret."""
    with aws.gateway.answering(200, b"{}"):
        refused(BackendUnavailable, lambda: aws.provider().read("x"))


def test_a_batch_that_ends_early(aws: AwsLab) -> None:
    """What a batch leaves out is read singly."""
    aws.put("a", "example-a")
    aws.put("b", "example-b")
    store = store_of(aws)
    half = b'{"SecretValues": [{"Name": "a", "ARN": "arn:a", "SecretString": "example-a"}], "NextToken": "more"}'
    with store:
        with aws.gateway.answering(200, half):
            assert set(aws.provider().read_many(["a", "b"])) == {"a"}
        assert store.get_many(["a", "b"]) == {"a": "example-a", "b": "example-b"}


def test_refused_connection(aws: AwsLab) -> None:
    """Nobody listens: unavailable, worth ten seconds, with the address; what botocore raised is not chained."""
    store = aws.provider()
    with aws.gateway.down():
        failed = refused(BackendUnavailable, lambda: store.read("x"))
    assert failed.retry_for == 10
    assert aws.gateway.url in str(failed)
    assert failed.__context__ is None
    assert failed.__cause__ is None


def test_unknown_host(aws: AwsLab) -> None:
    """A host that does not resolve is unavailable, never missing."""
    store = aws.provider(endpoint_url="https://secretsmanager.invalid")
    assert "secretsmanager.invalid" in str(refused(BackendUnavailable, lambda: store.read("x")))


def test_proxy_credentials_are_not_repeated(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be reached is named without the password in its address."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:example-pw@127.0.0.1:1")
    store = aws.provider(endpoint_url="https://secretsmanager.invalid")
    refused(BackendUnavailable, lambda: store.read("x"), "example-pw")


def test_an_unknown_authority(aws: AwsLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is verified; the message says where the authority's file goes, and AWS_CA_BUNDLE is enough."""
    import ssl

    authority = trustme.CA()
    stub = Stub()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    stub.socket = context.wrap_socket(stub.socket, server_side=True)
    stub.scheme, stub.body = "https", b'{"SecretString": "example"}'
    with running(stub):
        store = aws.provider(endpoint_url=stub.url)
        assert "AWS_CA_BUNDLE" in str(refused(BackendUnavailable, lambda: store.read("x")).hint)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        assert aws.provider(endpoint_url=stub.url).read("x").value == "example"
