"""The provider `aws_secretsmanager` against moto: settings, names and ARNs, versions, batches, and what it asks for."""

from __future__ import annotations

import itertools
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from aws_lab import ACCOUNT, AwsGateway, AwsLab
from hypothesis import given
from hypothesis import strategies as st

import tacenda
from tacenda._reference import parse_reference
from tacenda.errors import (
    AccessDenied,
    ConfigurationError,
    InvalidReference,
    MissingDependency,
    SecretNotFound,
)
from tacenda.providers import Document, Place
from tacenda.providers.aws import AwsProvider
from tacenda.testing._conformance._base import refused

ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:"
DOCUMENTED_ARN = "arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123"


def provider(**settings: Any) -> AwsProvider:
    return AwsProvider(settings, Path())


def read(aws: AwsProvider, name: str, version: str | None = None) -> Any:
    return aws.read(aws.path_of(name), version).value


def by_reference(aws: AwsProvider, text: str) -> Any:
    """Return what a reference leads to, as the store follows it."""
    reference = parse_reference(text)
    assert reference is not None
    return aws.read(aws.place_of(reference).path, reference.version).value


# -- settings ----------------------------------------------------------------------------------------


def test_the_documented_configuration_opens() -> None:
    """The pages' own settings and names make a store, before anything is asked (S0.12, S0.36, S0.37, S1.13)."""
    entry = {"provider": "aws-secrets-manager", "region_name": "us-east-1", "secret-name": "ml/training-secrets"}
    store = tacenda.open_store(config={"stacks": {"prod": {"secrets": entry}}})
    assert store.stack.entries[0].provider == "aws_secretsmanager"


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint_url": "http://secrets.example.com"},
        {"endpoint_url": "https://me:example-pw@secrets.example.com"},
        {"endpoint_url": "secrets.example.com"},
        {"recovery_window_in_days": 3},
        {"recovery_window_in_days": "30"},
        {"secret_name": "ml/training", "prefix": "ml/"},
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any]) -> None:
    """A wrong or unsafe setting is found when the store opens, and a password in it is not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        provider(**settings)
    assert "example-pw" not in str(caught.value)


def test_http_beyond_loopback_needs_consent() -> None:
    """Values never travel in clear text over a network, unless that is set on purpose."""
    url = "http://localstack.internal:4566"
    with pytest.raises(ConfigurationError, match="allow_http"):
        provider(endpoint_url=url)
    assert url in provider(endpoint_url=url, allow_http=True).describe()


def test_http_from_a_variable_is_refused_as_well(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that comes from AWS's own variable is held to the same rule, before anything is sent."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://secrets.example.com")
    error = refused(ConfigurationError, lambda: read(aws.provider(endpoint_url=None), "x"))
    assert "secrets.example.com" in str(error)


def test_no_region(aws: AwsLab) -> None:
    """Without a region anywhere the message names the setting (S0.15)."""
    assert "region" in str(refused(ConfigurationError, lambda: read(aws.provider(region=None), "x")))


@pytest.mark.parametrize("variable", ["AWS_DEFAULT_REGION", "AWS_REGION"])
def test_region_from_the_environment(aws: AwsLab, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """AWS's variables serve where `region` is not set (S0.38)."""
    aws.put("api-keys")
    monkeypatch.setenv(variable, "us-east-1")
    store = aws.provider(region=None)
    assert read(store, "api-keys") == "example"
    assert "in us-east-1 " in str(refused(SecretNotFound, lambda: read(store, "nothing")))


def test_region_of_the_configuration_switches_the_value(aws: AwsLab) -> None:
    """One name in two regions is two secrets (S0.36)."""
    aws.put("api-keys", "American")
    with aws.as_root():
        aws.server.client(region_name="eu-central-1").create_secret(Name="api-keys", SecretString="European")
    assert read(aws.provider(), "api-keys") == "American"
    assert read(aws.provider(region="eu-central-1"), "api-keys") == "European"


def test_without_the_package_the_message_names_the_extra(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without boto3's engine there is no read but an error that says what to install (S0.14)."""
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    error = refused(MissingDependency, lambda: read(aws.provider(), "x"))
    assert "tacenda[aws]" in str(error)


# -- names -------------------------------------------------------------------------------------------


@given(st.text("abcXYZ059/_+=.@-", min_size=1, max_size=40))
def test_every_legal_name_has_a_path_that_leads_back(name: str) -> None:
    """What a reference shows is what it reads, whatever AWS allows in a name."""
    aws = provider()
    path = aws.path_of(name)
    assert aws._at(path).id == name
    reference = parse_reference(aws.label(Place(path)))
    assert reference is not None
    assert aws.place_of(reference).path == path


def test_names_that_begin_with_a_slash(aws: AwsLab) -> None:
    """`/prod/db` and `prod/db` are two secrets in AWS, and stay two."""
    aws.put("/prod/db", "with a slash")
    aws.put("prod/db", "without")
    assert read(aws.provider(), "/prod/db") == "with a slash"
    assert by_reference(aws.provider(), "aws://%2Fprod/db") == "with a slash"
    assert by_reference(aws.provider(), "aws://prod/db") == "without"


@pytest.mark.parametrize("name", ["", "with space", "a:b", "ümlaut", "a?b", "x" * 513, "arn:aws:s3:::bucket"])
def test_illegal_names_are_refused(name: str) -> None:
    """A name that AWS would refuse is refused here, with the rule."""
    with pytest.raises(InvalidReference, match="letters, digits"):
        provider().path_of(name)


def test_the_documented_arn_is_legal() -> None:
    """The page's own ARNs have an account of nine digits, and are none the worse for it (S1.27)."""
    reference = parse_reference(f"{DOCUMENTED_ARN}#API_KEY")
    assert reference is not None
    assert provider().place_of(reference) == (DOCUMENTED_ARN, ("API_KEY",))


def test_arns(aws: AwsLab) -> None:
    """A full ARN, one without its suffix, and ones with dots and slashes in the name all lead there (S1.26)."""
    full = aws.put("team.a/api.keys-v1.2", "example")
    store = aws.provider()
    for text in (full, f"{ARN}team.a/api.keys-v1.2", f"aws://{full}", "aws://team.a/api.keys-v1.2"):
        assert by_reference(store, text) == "example"


def test_the_region_of_an_arn_is_where_it_is_asked_for(aws: AwsLab) -> None:
    """An ARN of another region needs no other stack."""
    with aws.as_root():
        made = aws.server.client(region_name="eu-west-1").create_secret(Name="api-keys", SecretString="European")
    assert by_reference(aws.provider(), made["ARN"]) == "European"
    assert by_reference(aws.provider(region=None), made["ARN"]) == "European"
    for scheme in ("", "aws://"):
        assert by_reference(aws.provider(), f"{scheme}{made['ARN']}?version={made['VersionId']}") == "European"
    missing = refused(SecretNotFound, lambda: by_reference(aws.provider(), f"{made['ARN'][:-7]}x-abcdef"))
    assert "in eu-west-1 " in str(missing)
    assert "--region eu-west-1" in str(missing.hint)


def test_secret_name_may_be_an_arn(aws: AwsLab) -> None:
    """The one secret of a stack may be named by its ARN, too."""
    full = aws.put("ml/training", '{"DB_PASSWORD": "example"}')
    entry = {"provider": "aws_secretsmanager", **aws.settings, **aws.credentials, "secret_name": full}
    with tacenda.open_store(config={"stacks": {"prod": {"secrets": entry}}}) as store:
        assert store.get("DB_PASSWORD") == "example"
        assert [info.name for info in store.list()] == ["DB_PASSWORD"]
        store.set("API_KEY", "example-key")
        assert store.get("API_KEY") == "example-key"


def test_an_arn_that_nobody_has_is_not_created(aws: AwsLab) -> None:
    """ARNs are given by AWS: writing to one that does not exist is missing, not a new secret."""
    store = aws.provider()
    path = store.path_of(f"{ARN}nothing-abcdef")
    refused(SecretNotFound, lambda: store.read(path))
    refused(SecretNotFound, lambda: store.write(path, "example"), "example-value")
    assert "CreateSecret" not in aws.gateway.operations


# -- reading -----------------------------------------------------------------------------------------


def test_a_cold_read_is_one_request(aws: AwsLab) -> None:
    """The first read of a process asks AWS exactly once: no list, no description, no look at who we are."""
    aws.put("api-keys", '{"API_KEY": "example"}')
    entry = {"provider": "aws_secretsmanager", **aws.settings, **aws.credentials}
    with tacenda.open_store(config={"stacks": {"prod": {"secrets": entry}}}) as store:
        assert store.get("api-keys", "API_KEY") == "example"
    assert aws.gateway.operations == ["GetSecretValue"]
    assert aws.gateway.requests == ["POST /"]


def test_what_others_wrote(aws: AwsLab) -> None:
    """Text comes back to the letter, JSON or not, and binary as bytes (S0.54, S1.20, S1.21)."""
    pretty = '{\n  "PASSWORD": "example"\n}\n'
    aws.put("pretty", pretty)
    aws.put("binary", bytes(range(256)))
    store = aws.provider()
    assert read(store, "pretty") == pretty
    assert read(store, "binary") == bytes(range(256))


def test_keys_are_stored_as_the_console_stores_them(aws: AwsLab) -> None:
    """Several keys become one JSON text that every other tool reads, also beyond ASCII."""
    store = aws.provider()
    store.write(store.path_of("api-keys"), {"API_KEY": "密码", "PORT": 5432})
    with aws.as_root() as root:
        assert root.get_secret_value(SecretId="api-keys")["SecretString"] == '{"API_KEY":"密码","PORT":5432}'


def test_versions_and_stages(aws: AwsLab) -> None:
    """A version is an id or a staging label; AWSPREVIOUS is what was there before (S0.73, S1.22)."""
    store = aws.provider()
    path = store.path_of("api-keys")
    first, second = (store.write(path, text).version for text in ("one", "two"))
    assert store.read(path, first) == Document("one", first)
    assert store.read(path, second) == store.read(path) == store.read(path, "AWSCURRENT") == Document("two", second)
    assert store.read(path, "AWSPREVIOUS") == Document("one", first)
    assert by_reference(store, "aws://api-keys?version=AWSPREVIOUS") == "one"
    for unknown in ("AWSPENDING", "00000000-0000-4000-8000-000000000000"):
        error = refused(SecretNotFound, lambda version=unknown: store.read(path, version))
        assert unknown in str(error)
        assert "list-secret-version-ids" in str(error.hint)


def test_a_secret_without_a_value_is_missing(aws: AwsLab) -> None:
    """What was created without a value has none to read, and takes a first one."""
    with aws.as_root() as root:
        root.create_secret(Name="empty")
        root.create_secret(Name="empty-json")
    store = aws.provider()
    refused(SecretNotFound, lambda: read(store, "empty"))
    store.write(store.path_of("empty"), "example")
    assert read(store, "empty") == "example"
    store.modify(store.path_of("empty-json"), lambda document: {"KEY": "example", "there": document is not None})
    assert read(store, "empty-json") == '{"KEY":"example","there":false}'


def test_missing_says_where_and_how_to_look(aws: AwsLab) -> None:
    """Missing names the secret and the place, and the CLI's own command to see what there is (S1.75)."""
    error = refused(SecretNotFound, lambda: read(aws.provider(), "nothing"))
    assert "'nothing'" in str(error)
    assert "us-east-1" in str(error)
    assert "aws secretsmanager list-secrets --region us-east-1" in str(error.hint)


# -- batches -----------------------------------------------------------------------------------------


def test_batches_of_twenty(aws: AwsLab) -> None:
    """`get_many` asks for 20 at once, names and binaries alike, and for nothing singly."""
    for number in range(45):
        aws.put(f"many/{number}", f"value {number}" if number % 2 else bytes([number]))
    entry = {"provider": "aws_secretsmanager", **aws.settings, **aws.credentials, "prefix": "many/"}
    with tacenda.open_store(config={"stacks": {"prod": {"secrets": entry}}}) as store:
        found = store.get_many([str(number) for number in range(45)])
    assert found["7"] == "value 7"
    assert found["8"] == b"\x08"
    assert aws.gateway.operations == ["BatchGetSecretValue"] * 3


def test_a_batch_tells_what_it_lacks(aws: AwsLab) -> None:
    """Errors are per secret: missing, deleted; versions come along; what is in another region is left out."""
    aws.put("there")
    aws.put("gone")
    store = aws.provider()
    store.delete("gone")
    with aws.as_root():
        far = aws.server.client(region_name="eu-west-1").create_secret(Name="far", SecretString="example")["ARN"]
    paths = [store.path_of(name) for name in ("there", "gone", "nothing", far)]
    found = store.read_many(paths)
    assert set(found) == {"there", "gone", "nothing"}
    assert found["there"] == store.read("there")
    assert all(isinstance(found[name], SecretNotFound) for name in ("gone", "nothing"))


# -- names and what is known -------------------------------------------------------------------------


def test_listing(aws: AwsLab) -> None:
    """Names by prefix, letters' case included, page by page; deleted ones are not among them."""
    for number in range(120):
        aws.put(f"jobs/{number:03}")
    for name in ("Jobs/upper", "other", "jobs-deleted"):
        aws.put(name)
    store = aws.provider()
    store.delete("jobs-deleted")
    listed = list(store.list("jobs"))
    assert [info.name for info in listed] == [f"jobs/{number:03}" for number in range(120)]
    assert all(info.version and info.created for info in listed)
    assert [info.name for info in store.list("Jobs")] == ["Jobs/upper"]
    assert len(list(store.list(""))) == 122
    aws.gateway.operations.clear()
    next(iter(store.list("")))
    assert aws.gateway.operations == ["ListSecrets"]
    with pytest.raises(InvalidReference):
        store.list("!negated")


def test_information(aws: AwsLab) -> None:
    """DescribeSecret tells version, times and tags, and never costs a read of the value."""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    aws.put("api-keys", Tags=[{"Key": "owner", "Value": "example-team"}])
    store = aws.provider()
    version = store.read("api-keys").version
    aws.gateway.operations.clear()
    info = store.info("api-keys")
    assert (info.name, info.version, info.tags) == ("aws://api-keys", version, {"owner": "example-team"})
    assert info.created
    assert info.created.endswith("Z")
    assert before <= datetime.fromisoformat(info.created.replace("Z", "+00:00"))
    assert aws.gateway.operations == ["DescribeSecret"]


def test_information_about_versions(aws: AwsLab) -> None:
    """Each version is known by its id or label; one that no label points at any more, too."""
    store = aws.provider()
    ids = [store.write("api-keys", text).version for text in ("one", "two", "three")]
    assert store.info("api-keys", "AWSPREVIOUS").version == ids[1]
    assert store.info("api-keys", ids[0]).version == ids[0]
    for unknown in ("AWSPENDING", "00000000-0000-4000-8000-000000000000"):
        refused(SecretNotFound, lambda version=unknown: store.info("api-keys", version))
    refused(SecretNotFound, lambda: store.info("nothing"))


# -- what is not told to anybody ---------------------------------------------------------------------


def test_botocore_does_not_log_values(aws: AwsLab, caplog: pytest.LogCaptureFixture) -> None:
    """At level DEBUG botocore logs whole answers, before anybody could mask them: not those to us."""
    aws.put("api-keys", "example-never-logged")
    with caplog.at_level(logging.DEBUG):
        store = aws.provider()
        assert read(store, "api-keys") == "example-never-logged"
        store.write("new", "example-not-logged-either")
        with aws.as_root() as root:
            root.get_secret_value(SecretId="api-keys")
    told = [record.getMessage() for record in caplog.records]
    assert len([message for message in told if "example-never-logged" in message]) == 1  # the user's own call
    assert not any("example-not-logged" in message or aws.key["SecretAccessKey"] in message for message in told)


# -- connections -------------------------------------------------------------------------------------


def test_16_threads_share_one_client(aws: AwsLab) -> None:
    """Parallel reads from a cold start use one client, and every thread gets its own answer."""
    for number in range(8):
        aws.put(f"name-{number}", f"value {number}")
    store = aws.provider()
    numbers = list(itertools.islice(itertools.cycle(range(8)), 64))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: read(store, f"name-{number}"), numbers))
    assert found == [f"value {number}" for number in numbers]


def test_after_a_fork(aws: AwsLab) -> None:
    """A forked child that resets the provider has connections of its own, while the parent's still work."""
    aws.put("x")
    store = aws.provider()
    read(store, "x")
    child = os.fork()
    if child == 0:
        store.reset()
        os._exit(0 if read(store, "x") == "example" else 1)
    assert read(store, "x") == "example"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_closed_provider_opens_again(aws: AwsLab) -> None:
    """Closing releases the connections; the next call makes new ones."""
    aws.put("x")
    store = aws.provider()
    assert read(store, "x") == "example"
    store.close()
    assert read(store, "x") == "example"


def test_proxy_from_the_environment(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is honored."""
    aws.put("x")
    with AwsGateway(aws.server.url) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert read(aws.provider(endpoint_url=aws.server.url), "x") == "example"
        assert proxy.operations == ["GetSecretValue"]


# -- checking ----------------------------------------------------------------------------------------


def test_check_names_the_identity(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` reads no secret and needs no grant; afterwards `describe` says who we are (S1.72)."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.gateway.url)
    with aws.as_root():
        aws.allow("arn:aws:secretsmanager:us-east-1:0:secret:nothing")
    store = aws.provider()
    store.check()
    assert store.describe().endswith(f"as arn:aws:iam::{ACCOUNT}:user/example-user")
    assert aws.gateway.operations == ["DescribeSecret", "GetCallerIdentity"]


def test_check_without_sts(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where STS is out of reach, as in many private networks, Secrets Manager's own answer is enough."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    store = aws.provider()
    store.check()
    assert aws.gateway.operations == ["DescribeSecret"]
    assert " as " not in store.describe()


def test_check_at_an_emulator_asks_nobody_else(aws: AwsLab) -> None:
    """With an emulator's address, made-up credentials do not go to AWS itself."""
    aws.provider().check()
    assert aws.gateway.operations == ["DescribeSecret"]


def test_check_with_an_unknown_key(aws: AwsLab) -> None:
    """Credentials that AWS does not know fail, with the command that shows who one is."""
    error = refused(AccessDenied, aws.provider(aws_access_key_id="example-unknown").check)
    assert "aws sts get-caller-identity" in str(error.hint)
