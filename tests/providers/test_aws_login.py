"""Every way to log in to AWS that the pages name, and what happens when a login is wrong or over (S0.38-S0.40, S0.72).

moto has IAM in force: who cannot prove who they are reads nothing. None of the roles needs a static key.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from aws_lab import AwsGateway, AwsLab
from stub_server import Request, Stub, running

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, SecretError, SecretNotFound, Throttled
from tacenda.providers.aws import AwsProvider
from tacenda.testing._conformance._base import refused

THREADS = 16
IMDS_ROLE = "/latest/meta-data/iam/security-credentials/"


class Metadata(Stub):
    """Hands out credentials as a container's or an instance's metadata service does."""

    def __init__(self, credentials: dict[str, str]) -> None:
        super().__init__()
        self.credentials = credentials

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Answer the token, the role's name and the role's credentials."""
        verb, _, path = request.line.partition(" ")
        if verb == "PUT":
            return 200, b"example-metadata-token"
        if path == IMDS_ROLE:
            return 200, b"ExampleRole"
        return 200, json.dumps({"Code": "Success", **self.credentials}).encode()


@pytest.fixture(autouse=True)
def _secret(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.put("api-keys")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # unless a test has a metadata service


@pytest.fixture
def sts(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsGateway]:
    """The way to STS, which is not that to Secrets Manager."""
    with AwsGateway(aws.server.url) as way:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", way.url)
        yield way


@pytest.fixture
def metadata(aws: AwsLab) -> Iterator[Metadata]:
    with running(Metadata(aws.session(aws.role()))) as service:
        yield service


def read(provider: AwsProvider) -> Any:
    return provider.read("api-keys").value


# -- the documented ways -----------------------------------------------------------------------------


def test_environment_variables(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are enough, with nothing in our configuration (S0.38)."""
    for name, value in aws.credentials.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.gateway.url)
    assert read(AwsProvider({}, Path())) == "example"


def test_a_session_token_in_the_environment(aws: AwsLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary credentials come with AWS_SESSION_TOKEN (S0.38)."""
    session = aws.session(aws.role())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", session["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", session["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["Token"])
    assert read(aws.bare()) == "example"


def test_credentials_file(aws: AwsLab) -> None:
    """What `aws configure` wrote serves without any variable (S0.39)."""
    aws.write_credentials()
    assert read(aws.bare()) == "example"


@pytest.mark.parametrize("how", ["setting", "variable"])
def test_profile(aws: AwsLab, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A profile, and its region, is chosen by AWS_PROFILE, or by `profile`, which wins over keys around it (S0.39)."""
    aws.write_credentials("team")
    Path("~/.aws/config").expanduser().write_text("[profile team]\nregion = us-east-1\n")
    if how == "variable":
        monkeypatch.setenv("AWS_PROFILE", "team")
        assert read(aws.bare(region=None)) == "example"
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "example-unknown")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-unknown")
        assert read(aws.bare(region=None, profile="team")) == "example"


def test_role_arn(aws: AwsLab, sts: AwsGateway) -> None:
    """`role_arn` is assumed through STS, once, with the credentials that there are (S0.40, S1.11)."""
    store = aws.provider(role_arn=aws.role(), role_session_name="nightly")
    aws.policy(only_sts())
    assert read(store) == "example"
    assert read(store) == "example"
    assert sts.operations == ["AssumeRole"]
    assert aws.gateway.operations == ["GetSecretValue"] * 2
    store.check()
    assert store.describe().endswith("assumed-role/ExampleRole/nightly")


def test_role_of_the_documented_form(aws: AwsLab, sts: AwsGateway) -> None:
    """The page's own role ARN, with an account of nine digits, is assumed; its account has no such secret (S1.12)."""
    store = aws.provider(role_arn="arn:aws:iam::123456789:role/MetaflowSecretsRole")
    with aws.as_root():  # nobody has made that role
        refused(SecretNotFound, lambda: read(store))
    assert sts.operations == ["AssumeRole"]


def test_external_id(aws: AwsLab, sts: AwsGateway) -> None:
    """A role of another account that asks for an external id gets the configured one."""
    role = aws.role(external_id="example-tenant")
    assert read(aws.provider(role_arn=role, external_id="example-tenant")) == "example"
    assert "AssumeRole" in str(refused(AccessDenied, lambda: read(aws.provider(role_arn=role, external_id="another"))))


def test_role_of_a_profile(aws: AwsLab, sts: AwsGateway) -> None:
    """A profile in ~/.aws/config may name a role, as the AWS CLI has it (S0.40)."""
    aws.write_credentials("base")
    role = f"[profile team]\nrole_arn = {aws.role()}\nsource_profile = base\n"
    Path("~/.aws/config").expanduser().write_text(role)
    aws.policy(only_sts())
    assert read(aws.bare(profile="team")) == "example"
    assert sts.operations == ["AssumeRole"]


def test_web_identity(aws: AwsLab, sts: AwsGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pod's token is exchanged for a role (EKS, GitHub Actions): no key anywhere (S0.40, S0.72)."""
    token = tmp_path / "token"
    token.write_text(jwt.encode({"sub": "system:serviceaccount:ml:training"}, "example-signing-key-of-32-bytes!"))
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", aws.role())
    store = aws.bare()
    with aws.as_root():  # moto wants a signature on this request, too
        assert read(store) == "example"
    assert read(store) == "example"
    assert sts.operations == ["AssumeRoleWithWebIdentity"]


def test_container_role(aws: AwsLab, metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS and EKS Pod Identity hand out a role's credentials at an address in the environment (S0.40, S0.72)."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata.url}/role")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "example-authorization")
    assert read(aws.bare()) == "example"
    assert [request.line for request in metadata.requests] == ["GET /role"]
    assert metadata.requests[0].headers["Authorization"] == "example-authorization"


def test_instance_role(aws: AwsLab, metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance has its role from the metadata service, asked for once (S0.40, S0.72)."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    store = aws.bare()
    assert read(store) == "example"
    asked = len(metadata.requests)
    assert read(store) == "example"
    assert len(metadata.requests) == asked == 3  # the token, the role's name, the credentials


def test_credentials_in_a_mapping(aws: AwsLab) -> None:
    """A mapping given in code may hold keys, a session token too; they win over everything else."""
    session = aws.session(aws.role())
    aws.write_credentials()
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["Token"],
    }
    store = aws.provider(**keys)
    assert read(store) == "example"
    assert "ExampleRole" in str(denied(aws, store))


# -- one login, kept to ourselves --------------------------------------------------------------------


def test_credentials_are_protected_before_they_are_used(aws: AwsLab, sts: AwsGateway) -> None:
    """The secret key and the session token of a role are told to the masker before a request is signed with them."""
    events: list[str] = []
    store = aws.provider(role_arn=aws.role())
    store.protect = lambda value, label: events.append(f"{label}, {len(aws.gateway.requests)} requests before")
    assert read(store) == "example"
    assert read(store) == "example"
    assert events == ["AWS secret access key, 0 requests before", "AWS session token, 0 requests before"]


def test_two_stack_entries_share_one_login(aws: AwsLab, sts: AwsGateway) -> None:
    """However many entries and stores lead to one place, there is one login in a process; others are others."""
    role = aws.role()
    stores = [aws.provider(role_arn=role, prefix=prefix) for prefix in ("a/", "b/")]
    assert [read(store) for store in stores] == ["example"] * 2
    assert sts.operations == ["AssumeRole"]
    read(aws.provider(role_arn=role, role_session_name="another"))
    assert sts.operations == ["AssumeRole"] * 2
    for store in stores:
        store.close()


def test_16_threads_log_in_once(aws: AwsLab, sts: AwsGateway) -> None:
    """Threads that start together share the one login."""
    store = aws.provider(role_arn=aws.role())
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda _: read(store), range(THREADS))) == ["example"] * THREADS
    assert sts.operations == ["AssumeRole"]


# -- a login that is over ----------------------------------------------------------------------------


def test_a_revoked_key_is_looked_for_anew(aws: AwsLab) -> None:
    """When AWS does not know our key any more, the file is read again, once, and the call repeated."""
    aws.write_credentials()
    store = aws.bare()
    assert read(store) == "example"
    aws.rotate_key()
    aws.write_credentials()
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda _: read(store), range(THREADS))) == ["example"] * THREADS


def test_a_container_has_new_credentials(aws: AwsLab, metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role's session that is over is renewed at its source."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", metadata.url)
    store = aws.bare()
    assert read(store) == "example"
    aws.gateway.expired.add(metadata.credentials["AccessKeyId"])
    metadata.credentials = aws.session(aws.role("OtherRole"))
    assert read(store) == "example"
    assert len(metadata.requests) == 2


def test_a_key_that_stays_unknown(aws: AwsLab) -> None:
    """Without other credentials there is nothing to repeat: denied, with what to check, after one request."""
    aws.write_credentials()
    store = aws.bare()
    aws.rotate_key()
    failed = refused(AccessDenied, lambda: read(store))
    assert "aws sts get-caller-identity" in str(failed.hint)
    assert aws.gateway.operations == ["GetSecretValue"]


# -- logins that fail --------------------------------------------------------------------------------


def test_no_credentials(aws: AwsLab) -> None:
    """With nothing to log in with, the message says what was tried, and nothing was sent."""
    failed = refused(ConfigurationError, lambda: read(aws.bare()))
    for way in ("AWS_ACCESS_KEY_ID", "~/.aws/credentials", "AWS_WEB_IDENTITY_TOKEN_FILE", "container", "instance"):
        assert way in str(failed)
    assert aws.gateway.requests == []


def test_16_threads_fail_to_log_in_once(aws: AwsLab, sts: AwsGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits while another thread looks for credentials in vain shares that failure, and the next call looks again.

    Off AWS, a look for an instance's role takes two seconds.
    """
    looked: list[int] = []
    started = threading.Barrier(THREADS)

    def answer(request: Request) -> tuple[int, bytes]:
        looked.append(threading.get_ident())
        time.sleep(0.5)
        return 404, b""

    with running(Stub()) as service:
        service.answer = answer  # type: ignore[method-assign]
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
        store = aws.bare()

        def fail(_: int) -> SecretError:
            started.wait(10)
            return refused(ConfigurationError, lambda: read(store))

        with ThreadPoolExecutor(THREADS) as pool:
            assert "no credentials" in str(list(pool.map(fail, range(THREADS)))[-1])
        assert len(looked) <= 4  # two questions each: the thread that was first, and one that may have come late
    aws.write_credentials()
    assert read(store) == "example"


@pytest.mark.parametrize(
    ("settings", "variables", "said"),
    [
        ({"profile": "nobody"}, {}, "nobody"),
        ({}, {"AWS_PROFILE": "nobody"}, "nobody"),
        ({}, {"AWS_ACCESS_KEY_ID": "example-key-id"}, "AWS_SECRET_ACCESS_KEY"),
        ({"aws_access_key_id": "example-key-id"}, {}, "aws_secret_access_key"),
    ],
)
def test_half_a_login(
    aws: AwsLab, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], variables: dict[str, str], said: str
) -> None:
    """What a login lacks is named."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert said.lower() in str(refused(ConfigurationError, lambda: read(aws.bare(**settings)))).lower()


def test_an_sso_login_that_is_over(aws: AwsLab) -> None:
    """Who has to log in with the AWS CLI first is told so, and nothing was sent."""
    profile = "[profile team]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Reader\n"
    session = "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n"
    file = Path("~/.aws/config").expanduser()
    file.parent.mkdir()
    file.write_text(profile + session)
    assert "aws sso login" in str(refused(AccessDenied, lambda: read(aws.bare(profile="team"))).hint)
    assert aws.gateway.requests == []


def test_a_role_that_may_not_be_assumed(aws: AwsLab, sts: AwsGateway) -> None:
    """A refused role is denied, names the step and the identity, and Secrets Manager is not asked."""
    aws.allow("*", actions=["secretsmanager:*"])
    failed = refused(AccessDenied, lambda: read(aws.provider(role_arn="arn:aws:iam::123456789012:role/Other")))
    assert "AssumeRole" in str(failed)
    assert "example-user" in str(failed)
    assert aws.gateway.requests == []


def test_sts_is_down(aws: AwsLab, sts: AwsGateway) -> None:
    """An STS that cannot be reached is unavailable, worth ten seconds, and never "missing"."""
    store = aws.provider(role_arn=aws.role())
    with sts.down():
        assert refused(BackendUnavailable, lambda: read(store)).retry_for == 10
    assert read(store) == "example"


def test_sts_is_busy(aws: AwsLab, sts: AwsGateway) -> None:
    """Many tasks that start at once may throttle STS: that is worth waiting for."""
    body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
    with sts.answering(400, body):
        assert refused(Throttled, lambda: read(aws.provider(role_arn=aws.role()))).retry_for == 180


def test_a_metadata_service_that_fails(aws: AwsLab, metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where credentials come from fails: unavailable; what it answered is not repeated."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", metadata.url)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)  # it tries three times
    metadata.answer = lambda request: (500, b"example-leaked-credential")  # type: ignore[method-assign]
    failed = refused(BackendUnavailable, lambda: read(aws.bare()), "example-leaked-credential")
    assert failed.retry_for == 10


def only_sts() -> dict[str, Any]:
    """Return a policy by which one may do nothing but become somebody else."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}


def denied(aws: AwsLab, store: AwsProvider) -> AccessDenied:
    """Return how AWS refuses who a provider is."""
    with aws.as_root():
        aws.iam.delete_role_policy(RoleName="ExampleRole", PolicyName="example")
    failed = refused(AccessDenied, lambda: read(store))
    assert isinstance(failed, AccessDenied)
    return failed
