"""The page on AWS is true: its stack, its settings, its policy, and each message that it explains, on a moto server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cloud_page import Page, raised
from reader import TYPED, Reader
from stub_server import Stub, running

from tacenda import open_store
from tacenda.errors import AccessDenied, SecretError
from tacenda.providers.aws import AwsProvider
from tacenda.testing import Moto

PAGE = Page("aws")
REGION, ACCOUNT = "eu-central-1", "123456789012"
POLICY = PAGE.directory / "read-policy.json"


@pytest.fixture
def account(aws: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moto]:
    """An account of one's own, into which everything here logs in by the environment."""
    aws.reset()
    for name, value in {**aws.environment(), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    yield aws
    aws.enforce_iam(enforced=False)


def user(account: Moto, monkeypatch: pytest.MonkeyPatch, policy: str | None = None) -> dict[str, str]:
    """Log in as a user who has one policy, or none; then IAM counts."""
    iam = account.client("iam")
    iam.create_user(UserName="trainer")
    if policy is not None:
        iam.put_user_policy(UserName="trainer", PolicyName="of-the-page", PolicyDocument=policy)
    key = iam.create_access_key(UserName="trainer")["AccessKey"]
    login = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    account.enforce_iam()
    return login


def test_settings():
    """The table has every setting of the provider and no other."""
    assert PAGE.settings() == set(AwsProvider.settings_help)


def test_the_policy_is_enough(reader: Reader, account: Moto, monkeypatch: pytest.MonkeyPatch):
    """Under the policy of the page alone its stack, commands and every kind of read work, and nothing else (S1.67).

    What they read is what `aws secretsmanager create-secret --secret-string file://…` stores (S1.20, S1.21).
    """
    client = account.client(region_name=REGION)
    for name in ("api-keys", "db-credentials", "other"):
        client.create_secret(Name=name, SecretString='{\n  "API_KEY": "example-key"\n}\n')
    login = user(account, monkeypatch, POLICY.read_text())
    [stack], [console] = PAGE.blocks("yaml"), PAGE.blocks("console")
    reader.writes("tacenda.yaml", stack)
    reader.environment |= {**account.environment(), **login, "TACENDA_ADAPTERS": "none"}
    reader.runs(console)
    with open_store(config=reader.directory / "tacenda.yaml") as store:
        assert store.get_many(["api-keys", "db-credentials"])["db-credentials"]["API_KEY"] == "example-key"
        assert store.get("api-keys", version="AWSCURRENT", fresh=True)["API_KEY"] == "example-key"
        assert store.info("db-credentials").version
        for denied in (
            partial(store.get, "other"),
            partial(store.set, "api-keys", "example"),
            partial(next, store.list()),
        ):
            with pytest.raises(AccessDenied):
                denied()


def test_rotation(account: Moto, tmp_path: Path):
    """After `put-secret-value` and `update-secret` the next process reads the new value, AWSPREVIOUS the one before."""
    client = account.client(region_name=REGION)
    client.create_secret(Name="api-keys", SecretString="example-1")
    client.put_secret_value(SecretId="api-keys", SecretString="example-2")
    client.update_secret(SecretId="api-keys", SecretString=f"{TYPED}\n")
    [stack] = PAGE.blocks("yaml")
    (tmp_path / "tacenda.yaml").write_text(stack)
    with open_store(config=tmp_path / "tacenda.yaml") as store:
        assert store.get("api-keys") == f"{TYPED}\n"
        assert store.get("api-keys", version="AWSPREVIOUS") == "example-2"
        assert store.get("aws://api-keys?version=AWSPREVIOUS") == "example-2"


def test_symptoms(account: Moto, monkeypatch: pytest.MonkeyPatch):
    """Whatever can go wrong, the message is in the table, once, and the table has no message that is never printed.

    Denied and missing are told apart; who was refused is in the message (S1.72, S1.75, S1.76).
    """

    def ask(does: str = "get", *value: str, name: str = "api-keys", more: dict | None = None, **settings: object):
        secrets = {"provider": "aws_secretsmanager", "region": REGION, **settings}
        secrets = {setting: value for setting, value in secrets.items() if value is not None}
        with open_store(config={"stacks": {"prod": {"secrets": secrets, "deadline": 0}}}) as store:
            return raised(lambda: getattr(store, does)(name, *value, **(more or {})))

    seen: list[SecretError] = [ask(region=None), ask(profile="gone"), ask()]
    client = account.client(region_name=REGION)
    for name in ("api-keys", "gone"):
        client.create_secret(Name=name, SecretString="{}")
    client.delete_secret(SecretId="gone")
    seen += [ask(name="gone"), ask("set", "example", name="gone"), ask(more={"version": "AWSPENDING"})]
    seen += [ask("set", "example", more={"create": True})]
    user(account, monkeypatch)
    denied = ask()
    assert f"arn:aws:iam::{ACCOUNT}:user/trainer" in str(denied)
    assert "aws sts get-caller-identity" in denied.hint
    seen += [denied, ask(role_arn=f"arn:aws:iam::{ACCOUNT}:role/other")]
    with open_store(config={"stacks": {"prod": {"secrets": {"provider": "aws", "region": REGION}}}}) as store:
        seen.append(raised(lambda: list(store.list())))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "example-unknown-key-id")
    seen.append(ask())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    seen.append(ask())
    PAGE.explains([*seen, *never_by_moto(ask, monkeypatch)])


def never_by_moto(ask, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretError]:
    """Yield what moto cannot be made to answer: AWS's own codes and words for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "example-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret-access-key")
    with running(Stub()) as stub:
        for status, code, words in (
            (400, "ThrottlingException", "Rate exceeded"),
            (400, "AccessDeniedException", "Access to KMS is not allowed"),
            (400, "ExpiredTokenException", "The security token included in the request is expired"),
            (503, "ServiceUnavailable", "Service unavailable"),
        ):
            stub.status, stub.body = status, json.dumps({"__type": code, "message": words}).encode()
            yield ask(endpoint_url=stub.url)
    yield ask(endpoint_url=stub.url)
