"""BatchGetSecretValue with names and ARNs together: one request where AWS can, and no secret mistaken for another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lab import ACCOUNT, AwsLab, arn

import tacenda
from tacenda.errors import AccessDenied, SecretError, SecretNotFound
from tacenda.providers import Document
from tacenda.providers._aws_batch import matched

ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:"
OTHERS = "arn:aws:secretsmanager:us-east-1:210987654321:secret:"
BATCH, GET = "BatchGetSecretValue", "GetSecretValue"


def store_of(aws: AwsLab, **settings: Any) -> tacenda.SecretStore:
    entry = {"provider": "aws_secretsmanager", **aws.settings, **aws.credentials, **settings}
    return tacenda.open_store(
        config={"stacks": {"prod": {"secrets": {name: value for name, value in entry.items() if value is not None}}}}
    )


def put_far(aws: AwsLab, name: str) -> str:
    with aws.as_root():
        client = aws.server.client(region_name="eu-west-1")
        return str(client.create_secret(Name=name, SecretString=f"far {name}")["ARN"])


# -- requests, counted at the server ------------------------------------------------------------------


def test_names_and_arns_are_one_request(aws: AwsLab) -> None:
    """Names, ARNs with and without suffix, with dots and a key, and `aws://`: one request and no other (S1.26)."""
    full = [aws.put(f"team.a/{number}", json.dumps({"KEY": number})) for number in range(3)]
    with store_of(aws) as store:
        names = ["team.a/0", full[1], f"{ARN}team.a/2#KEY", "aws://team.a/1", f"aws://{full[0]}"]
        found = store.get_many(names)
    assert [found[name]["KEY"] for name in names if "#" not in name] == [0, 1, 1, 0]
    assert found[f"{ARN}team.a/2#KEY"] == 2
    assert aws.gateway.operations == [BATCH]


def test_the_region_may_be_the_environment_s_or_the_profile_s(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the region is configured, an ARN of that region is asked for with the plain names."""
    full = aws.put("b")
    aws.put("a")
    config = Path("~/.aws/config").expanduser()
    config.parent.mkdir(exist_ok=True)
    config.write_text("[default]\nregion = us-east-1\n")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with store_of(aws, region=None) as store:
        assert len(store.get_many(["a", full])) == 2
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with store_of(aws, region=None) as store:
        assert len(store.get_many(["a", full])) == 2
    assert aws.gateway.operations == [BATCH, BATCH]


def test_each_region_is_a_request(aws: AwsLab) -> None:
    """ARNs of another region go there, in a batch of their own; one alone is a plain read."""
    aws.put("a")
    names = ["a", aws.put("b"), put_far(aws, "c"), put_far(aws, "d")]
    with store_of(aws) as store:
        assert [*store.get_many(names).values()] == ["example", "example", "far c", "far d"]
        assert aws.gateway.operations == [BATCH, BATCH]
        store.get_many(names[:3], fresh=True)
    assert sorted(aws.gateway.operations[2:]) == [BATCH, GET]


def test_an_arn_of_the_own_region_shares_the_connection(aws: AwsLab) -> None:
    """Asked for by name and by ARN, a region has one client."""
    full = aws.put("a")
    provider = aws.provider()
    for name in ("a", full):
        assert provider.read(provider.path_of(name)).value == "example"
    assert len(provider._client()._login._clients) == 1  # type: ignore[union-attr]


def test_versions_stay_single(aws: AwsLab) -> None:
    """An ARN with a version is a plain read: batches have AWSCURRENT only."""
    full = aws.put("a", "old")
    provider = aws.provider()
    provider.write("a", "new")
    aws.put("b")
    with store_of(aws) as store:
        found = store.get_many([full, "b", f"{full}?version=AWSPREVIOUS"])
    assert [*found.values()] == ["new", "example", "old"]
    assert sorted(aws.gateway.operations[-2:]) == [BATCH, GET]


def test_one_arn_needs_no_grant_for_batches(aws: AwsLab) -> None:
    """The documented grants suffice: for one secret no batch is tried, for several it is tried once (C14, S1.67)."""
    full = [aws.put(name) for name in "abc"]
    aws.allow(arn("a"), arn("b"), arn("c"), actions=["secretsmanager:GetSecretValue"])
    with store_of(aws) as store:
        store.get_many(full[:1])
        assert aws.gateway.operations == [GET]
        assert len(store.get_many([*full, "a"], fresh=True)) == 4
        assert sorted(aws.gateway.operations[1:]) == [BATCH, *[GET] * 4]
        store.get_many(full, fresh=True)
    assert aws.gateway.operations[6:] == [GET] * 3


def test_errors_in_a_batch_are_each_secret_s_own(aws: AwsLab) -> None:
    """Missing and deleted are told for each, by name and by ARN, and the rest was read."""
    names = [aws.put("a"), aws.put("gone"), f"{ARN}nothing-abcdef", "nothing"]
    with store_of(aws) as store:
        store.delete("gone")
        with pytest.raises(SecretNotFound) as caught:
            store.get_many(names)
    assert list(caught.value.failures) == names[1:]
    assert "can still be restored" in caught.value.failures[names[1]].tried[0]
    assert aws.gateway.operations[-4:] == [BATCH, GET, GET, GET]


def test_a_denied_secret_in_a_batch(aws: AwsLab) -> None:
    """The right to batches is not the right to each secret: who lacks one is told which (moto does not look)."""
    here, no = entry("here"), f"{ARN}no-abcdef"
    said = {"SecretId": no, "ErrorCode": "AccessDeniedException", "Message": "example reason"}
    with aws.gateway.answering(200, json.dumps({"SecretValues": [here], "Errors": [said]}).encode()):
        found = aws.provider().read_many([here["ARN"], no])
    assert isinstance(found[no], AccessDenied)
    assert found[here["ARN"]] == Document("example")


def test_without_a_login_the_message_is_that_of_a_read(aws: AwsLab) -> None:
    """Looking for the region is no failure of its own: each secret says what is wrong."""
    with store_of(aws, region=None, profile="nobody") as store, pytest.raises(SecretError) as caught:
        store.get_many(["a", f"{ARN}b-abcdef"])
    assert set(caught.value.failures) == {"a", f"{ARN}b-abcdef"}
    assert "nobody" in str(caught.value)
    assert aws.gateway.operations == []


# -- which value is whose -----------------------------------------------------------------------------


def entry(name: str, arn: str = ARN, suffix: str = "-a1B2c3", text: str = "example") -> dict[str, str]:
    return {"Name": name, "ARN": f"{arn}{name}{suffix}", "SecretString": text}


def ids(asked: list[str], *entries: dict[str, str]) -> dict[str, str]:
    found = matched(asked, {"SecretValues": list(entries)})
    return {name: str(one["ARN"]) for name, one in found.items()}


def test_the_same_name_in_another_account() -> None:
    """A plain name never gets the value of another account's secret, whose ARN was asked for beside it."""
    own, others = entry("db"), entry("db", OTHERS)
    asked = ["db", others["ARN"]]
    for order in ((own, others), (others, own)):
        assert ids(asked, *order) == {"db": own["ARN"], others["ARN"]: others["ARN"]}
    assert ids(asked, others) == {others["ARN"]: others["ARN"]}, "the own one is missing, or did not come yet"


def test_a_name_that_two_entries_answer_to_is_left_out() -> None:
    """Where an answer leaves a doubt, the secret is read singly."""
    assert ids(["db"], entry("db"), entry("db", OTHERS)) == {}


def test_a_name_and_its_arn() -> None:
    """Asked for both ways, and twice in the answer, it answers both; once in the answer, it is the ARN's."""
    one = entry("db")
    asked = ["db", one["ARN"], f"{ARN}db"]
    assert ids(asked, one, one, one) == dict.fromkeys(asked, one["ARN"])
    assert ids(asked, one) == dict.fromkeys(asked[1:], one["ARN"])


def test_a_name_that_ends_like_an_arn() -> None:
    """The whole ARN goes before one that lacks its end: the name of a secret may end in six characters, too."""
    short, long = entry("db"), entry("db-a1B2c3", suffix="-d4E5f6")
    for order in ((short, long), (long, short)):
        assert ids([short["ARN"]], *order) == {short["ARN"]: short["ARN"]}
    assert ids([short["ARN"]], long) == {short["ARN"]: long["ARN"]}


def test_an_empty_answer_has_nothing() -> None:
    """A batch that AWS ends at once leaves all to single reads."""
    assert matched(["db"], {"NextToken": "more"}) == {}
