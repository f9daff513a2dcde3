"""The page's flows on AWS Secrets Manager, with its variables, its commands and its IAM policy: a moto server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_lab import WatchedGateway
from beyond_the_page import digest
from page_flows import HERE, SECRET, Finished, artifact, run_page, succeeded
from programs import run

from tacenda.testing import Moto, moto

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

ROLE = "arn:aws:iam::123456789:role/MetaflowSecretsRole"
DOCUMENTED_ARNS = [
    "arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123",
    "arn:aws:secretsmanager:us-east-1:123456789:secret:db-creds-def456",
]
API_KEY, PASSWORD, TOKEN, TEXT = (SECRET % (kind, "aws") for kind in ("key", "password", "oauth", "text"))
OLD, DEV, PROD, NEW = (SECRET % (kind, "aws") for kind in ("old", "dev", "prod", "new"))
ENCRYPTION_KEY = bytes(range(200, 232))
PATIENCE = {"TACENDA_DEADLINE": "0"}

# The page's policy, for the account that moto has.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            "Resource": [
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:api-keys-*",
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-credentials-*",
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Moto]:
    with moto() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(server: Moto) -> Iterator[WatchedGateway]:
    with WatchedGateway(server.url) as running:
        yield running


@pytest.fixture(scope="module")
def variables(server: Moto, gateway: WatchedGateway) -> dict[str, str]:
    """The page's variable that selects AWS, and a login."""
    login = {**server.environment(), "AWS_ENDPOINT_URL": gateway.url}
    return {**login, **PATIENCE, "METAFLOW_SECRETS_BACKEND_TYPE": "aws-secrets-manager"}


@pytest.fixture(scope="module")
def stored(server: Moto, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the page's `aws secretsmanager create-secret` stores, and other kinds; the ARNs by name."""
    credentials = tmp_path_factory.mktemp("stored") / "credentials.json"
    credentials.write_text(json.dumps({"HOST": "db.example", "PORT": 5432, "PASSWORD": PASSWORD}, indent=2) + "\n")
    texts = {
        "api-keys": json.dumps({"API_KEY": API_KEY, "API_SECRET": SECRET % ("secret", "aws")}),
        "db-credentials": credentials.read_text(),  # file://credentials.json
        "oauth-tokens": json.dumps({"TOKEN": TOKEN}),
        "api-keys-abc123": json.dumps({"API_KEY": API_KEY}),  # moto takes the suffix for a part of the name
        "db-creds-def456": json.dumps({"PASSWORD": PASSWORD}),
        "training/db.one": json.dumps({"USER": "one"}),
        "training/db.two": json.dumps({"USER": "two"}),
        "my-token": TEXT,
    }
    session = server.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="operator")["Credentials"]
    client = server.client(  # moto keeps the accounts apart: this is the role's
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    arns = {name: client.create_secret(Name=name, SecretString=text)["ARN"] for name, text in texts.items()}
    client.create_secret(Name="encryption-key", SecretBinary=ENCRYPTION_KEY)
    return arns


@pytest.fixture(scope="module")
def secure(stored: dict[str, str], variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The flow of "AWS Secrets Manager", with the page's role."""
    arns = json.dumps([stored["training/db.one"], stored["training/db.two"]])
    settings = {"METAFLOW_SECRETS_BACKEND_ROLE": ROLE, "ARNS": arns}
    return succeeded(run_page("aws_flow.py", tmp_path_factory.mktemp("aws"), **variables, **settings))


def test_the_code_of_the_page(secure: Finished):
    """The page's first flow runs on AWS as it stands, its key a `str` for any library (S1.7, S1.10, S1.14 to S1.20)."""
    assert secure.told("start") == {"step": "start", "api_key": digest(API_KEY), "is_text": True}


def test_the_role_of_the_page(secure: Finished, gateway: WatchedGateway):
    """METAFLOW_SECRETS_BACKEND_ROLE with the page's 9-digit account is assumed through STS (S1.11, S1.12)."""
    assert "AssumeRole" in gateway.operations
    assert set(gateway.roles) == {ROLE}


def test_several_sources(secure: Finished):
    """API keys, database credentials from a file, OAuth tokens: one decorator, by item (S1.1 to S1.3, S1.21 to S1.24).

    The variables are spelled as Metaflow's own provider does; a number stays one in `current.secrets` (S1.57).
    """
    told = secure.told("process")
    assert told["values"] == told["injected"] == [digest(value) for value in (API_KEY, PASSWORD, TOKEN)]
    assert (told["port"], told["port_injected"]) == (5432, "5432")


def test_environment_decorator(secure: Finished):
    """`@environment` stands beside `@secrets` where their variables do not meet (S1.78)."""
    assert secure.told("process")["stage"] == "training"


def test_arns(secure: Finished):
    """The page's own ARNs are sources, can be iterated, and answer to their short names too (S1.26 to S1.29)."""
    told = secure.told("secure_step")
    assert told["names"] == sorted(DOCUMENTED_ARNS)
    assert told["same"] is True
    assert told["values"] == [digest(API_KEY), digest(PASSWORD)]


def test_every_kind(secure: Finished):
    """ARNs of AWS with one key stay apart; a text is itself, an encryption key bytes (S1.1, S1.4, S1.25, S1.26)."""
    told = secure.told("every_kind")
    assert told["users"] == ["one", "two"]
    assert (told["is_text"], told["by_attribute"]) == (True, digest(TEXT))
    assert (told["is_bytes"], told["encryption_key"]) == (True, digest(ENCRYPTION_KEY))
    assert told["injected"] is False


def test_result(secure: Finished):
    """A result that holds no value is saved, for the next step and for Metaflow's client (S1.19)."""
    result = {"status": "ok", "length": len(API_KEY)}
    assert secure.told("end")["result"] == result
    assert artifact(secure.directory, "SecureFlow", "result") == result


def test_only_declaring_steps(secure: Finished, practices: list[Finished]):
    """Steps before and after have neither `current.secrets` nor variables (S1.55)."""
    assert secure.told("end")["without"] is True
    assert practices[0].told("start")["without"] is True


def test_nothing_is_left(secure: Finished, practices: list[Finished]):
    """No value of AWS is in what the flows print or in what Metaflow keeps of them."""
    assert secure.leaks(API_KEY, PASSWORD, TOKEN, TEXT) == []
    assert [run.leaks(value) for run, value in zip(practices, (OLD, NEW), strict=True)] == [[], []]


@pytest.fixture(scope="module")
def under_the_policy(server: Moto) -> Iterator[dict[str, str]]:
    """The login of somebody whose only policy is the page's; IAM counts."""
    iam, client = server.client("iam"), server.client()
    for name, value in (("api-keys", "example"), ("api-keys-dev", DEV), ("api-keys-prod", PROD)):
        client.create_secret(Name=name, SecretString=json.dumps({"API_KEY": value}))
    iam.create_user(UserName="trainer")
    iam.put_user_policy(UserName="trainer", PolicyName="of-the-page", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="trainer")["AccessKey"]
    server.enforce_iam()
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    server.enforce_iam(enforced=False)


@pytest.fixture(scope="module")
def practices(
    secure: Finished,  # which is over when IAM begins to count
    server: Moto,
    gateway: WatchedGateway,
    variables: dict[str, str],
    under_the_policy: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Finished]:
    """The flow of "Best Practices", twice: the secret is updated in between, and the namespace another one."""
    directory = tmp_path_factory.mktemp("practices")
    runs = []
    gateway.names.clear()
    for namespace, value in (("dev", OLD), ("prod", NEW)):
        server.enforce_iam(enforced=False)
        server.client().update_secret(SecretId="api-keys", SecretString=json.dumps({"API_KEY": value}))
        server.enforce_iam()
        login = {**variables, **under_the_policy}
        runs.append(succeeded(run_page("practices_flow.py", directory, "--namespace", namespace, **login)))
    return runs


def test_rotation(practices: list[Finished]):
    """After `update-secret` the next run has the new value (S1.22, S1.51, S1.52); the page's policy lets it (S1.67)."""
    assert [run.told("process")["api_key"] for run in practices] == [digest(OLD), digest(NEW)]


def test_prints(practices: list[Finished]):
    """The page's bad print shows no value, its good one four characters (S1.49, S1.50)."""
    for each in practices:
        assert "Using API key: [masked]\n" in each.output
        assert "Using API key: sk-e...\n" in each.output


def test_namespaces(practices: list[Finished], gateway: WatchedGateway):
    """`f"api-keys-{current.namespace}"` asks for the secret of the run's namespace (S1.53, S1.54)."""
    told = [run.told("of_environment") for run in practices]
    assert [each["names"] for each in told] == [["api-keys-dev"], ["api-keys-prod"]]
    assert [each["value"] for each in told] == [digest({"API_KEY": value}) for value in (DEV, PROD)]
    assert {"api-keys-dev", "api-keys-prod"} < set(gateway.names)


def test_manual_fetching(tmp_path: Path):
    """What the page says to avoid is pointed out, with file and line, before a run (S1.47, S1.48)."""
    flow = HERE / "flows" / "manual_flow.py"
    done = run("python", "-m", "tacenda", "check", "--flow", flow, home=tmp_path, METAFLOW_USER="tester")
    assert f"{flow.name}:16: secrets are fetched by hand" in done.stdout
