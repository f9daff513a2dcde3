"""Which stack is in force in a flow: variables of tacenda's and of Metaflow's, prefixes, files, and in which order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from metaflow import metaflow_config
from steps import clean_step, failure, in_a_process, start_step  # noqa: F401

from metaflow_extensions.tacenda.plugins.backend._stack import in_force
from metaflow_extensions.tacenda.plugins.remote._snapshot import make_snapshot
from metaflow_extensions.tacenda.plugins.sources._spec import parse

pytestmark = pytest.mark.usefixtures("clean_step")

ROLE = "arn:aws:iam::123456789:role/MetaflowSecretsRole"
OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
AZURE = "https://myvault.vault.azure.net"
GCP = "projects/my-project/secrets"
FILE = "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}, prod: {secrets: env}}\ndefault_stack: dev"

# -- what Metaflow's configuration becomes ------------------------------------------------------------

SHOWN = """
import json
from metaflow import metaflow_config as c
names = ("DEFAULT_SECRETS_BACKEND_TYPE", "DEFAULT_SECRETS_ROLE", "GCP_SECRET_MANAGER_PREFIX", "SPIN_ALLOWED_DECORATORS")
print(json.dumps({name: getattr(c, name, None) for name in names}))
"""


def shown(**variables: str) -> dict[str, Any]:
    """Return Metaflow's settings as a process with these variables has them."""
    found: dict[str, Any] = json.loads(in_a_process(SHOWN, **variables))
    return found


def test_documented_variables():
    """The documented variables are Metaflow's own settings, also by another of its names (S1.10, S1.13)."""
    settings = shown(METAFLOW_SECRETS_BACKEND_TYPE="aws-secrets-manager", METAFLOW_SECRETS_BACKEND_ROLE=ROLE)
    assert settings["DEFAULT_SECRETS_BACKEND_TYPE"] == "aws-secrets-manager"
    assert settings["DEFAULT_SECRETS_ROLE"] == ROLE
    assert shown(METAFLOW_SECRETS_BACKEND_TYPE="azure_keyvault")["DEFAULT_SECRETS_BACKEND_TYPE"] == "az-key-vault"
    assert shown(METAFLOW_SECRETS_BACKEND_TYPE="somebodys")["DEFAULT_SECRETS_BACKEND_TYPE"] == "somebodys"


def test_prefix_alone():
    """A prefix alone selects its backend (S1.31, S1.39), and names follow it with one slash; two select nothing."""
    assert shown(METAFLOW_AZURE_KEY_VAULT_PREFIX=AZURE)["DEFAULT_SECRETS_BACKEND_TYPE"] == "az-key-vault"
    settings = shown(METAFLOW_GCP_SECRET_MANAGER_PREFIX=GCP)
    assert settings["DEFAULT_SECRETS_BACKEND_TYPE"] == "gcp-secret-manager"
    assert settings["GCP_SECRET_MANAGER_PREFIX"] == f"{GCP}/"
    both = shown(METAFLOW_GCP_SECRET_MANAGER_PREFIX=f"{GCP}/", METAFLOW_AZURE_KEY_VAULT_PREFIX=AZURE)
    assert (both["DEFAULT_SECRETS_BACKEND_TYPE"], both["GCP_SECRET_MANAGER_PREFIX"]) == (None, f"{GCP}/")
    assert shown(METAFLOW_GCP_SECRET_MANAGER_PREFIX=f"{GCP}//")["GCP_SECRET_MANAGER_PREFIX"] == f"{GCP}/"


def test_metaflows_own_variable():
    """The documented variable goes before Metaflow's own, whose type stays as written: it may be somebody else's."""
    own = {"METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE": "gcp"}
    assert shown(**own)["DEFAULT_SECRETS_BACKEND_TYPE"] == "gcp"
    assert shown(METAFLOW_SECRETS_BACKEND_TYPE="vault", **own)["DEFAULT_SECRETS_BACKEND_TYPE"] == "vault"
    assert shown(METAFLOW_SECRETS_BACKEND_TYPE="", **own)["DEFAULT_SECRETS_BACKEND_TYPE"] == "gcp"


def test_configuration_file():
    """Metaflow's configuration file takes the documented names too; the environment goes before it."""
    Path(".metaflowconfig").mkdir()
    written = {"METAFLOW_SECRETS_BACKEND_TYPE": "az-key-vault", "METAFLOW_SECRETS_BACKEND_ROLE": ROLE}
    Path(".metaflowconfig/config.json").write_text(json.dumps(written))
    assert shown()["DEFAULT_SECRETS_BACKEND_TYPE"] == "az-key-vault"
    settings = shown(METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE="gcp-secret-manager")
    assert (settings["DEFAULT_SECRETS_BACKEND_TYPE"], settings["DEFAULT_SECRETS_ROLE"]) == ("gcp-secret-manager", ROLE)


@pytest.mark.parametrize(
    ("variables", "spins"),
    [({}, True), ({"METAFLOW_SPIN_ALLOWED_DECORATORS": '["card"]'}, False), ({"TACENDA_ADAPTERS": "zenml"}, False)],
)
def test_spin(variables: dict[str, str], spins: bool):
    """`spin` runs @secrets, unless the user has a list of his own, or wants none of tacenda."""
    allowed = shown(**variables)["SPIN_ALLOWED_DECORATORS"]
    assert ("secrets" in (allowed or [])) == (spins and allowed is not None)


# -- what is in force -------------------------------------------------------------------------------


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets Metaflow's settings, as its configuration has them."""

    def settings(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setattr(metaflow_config, name, value, raising=False)

    return settings


@pytest.fixture
def file(tmp_path: Path) -> None:
    """A configuration of tacenda's that is found."""
    (tmp_path / "tacenda.yaml").write_text(FILE)
    (tmp_path / ".secrets.json").write_text('{"api-keys": {"API_KEY": "example-local"}}')


def entries(role: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    stack = in_force(role).stack
    assert stack is not None
    return [(entry.provider, dict(entry.settings)) for entry in stack.entries]


@pytest.mark.usefixtures("file")
def test_order(variables: Any, monkeypatch: pytest.MonkeyPatch):
    """TACENDA_STACK or TACENDA_CONFIG, Metaflow's type or prefix, a file that is found, then env and files."""
    variables(DEFAULT_SECRETS_BACKEND_TYPE="aws-secrets-manager")
    assert entries()[0][0] == "aws_secretsmanager"
    assert in_force().reason == "METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE=aws-secrets-manager"
    monkeypatch.setenv("TACENDA_CONFIG", "tacenda.yaml")
    assert entries()[0][0] == "local"
    monkeypatch.delenv("TACENDA_CONFIG")
    monkeypatch.setenv("TACENDA_STACK", "prod")
    assert entries() == [("env", {})]
    assert in_force().reason.startswith("TACENDA_STACK=prod in ")
    monkeypatch.delenv("TACENDA_STACK")
    variables(DEFAULT_SECRETS_BACKEND_TYPE=None)
    assert entries()[0][0] == "local"
    Path("tacenda.yaml").unlink()
    assert [provider for provider, _ in entries()] == ["env", "files"]


def test_described(variables: Any):
    """Region, roles, vault, project and a beginning of names are taken from Metaflow's settings."""
    variables(DEFAULT_SECRETS_BACKEND_TYPE="aws-secrets-manager", AWS_SECRETS_MANAGER_DEFAULT_REGION="eu-west-1")
    assert entries() == [("aws_secretsmanager", {"region": "eu-west-1"})]
    variables(AWS_SECRETS_MANAGER_DEFAULT_ROLE=OTHER_ROLE)
    assert entries()[0][1]["role_arn"] == OTHER_ROLE
    variables(DEFAULT_SECRETS_ROLE=ROLE)
    assert entries()[0][1]["role_arn"] == ROLE
    assert entries(OTHER_ROLE)[0][1]["role_arn"] == OTHER_ROLE
    variables(DEFAULT_SECRETS_BACKEND_TYPE="az-key-vault", AZURE_KEY_VAULT_PREFIX=f"{AZURE}/")
    assert entries() == [("azure_keyvault", {"vault_url": AZURE})]
    variables(DEFAULT_SECRETS_BACKEND_TYPE="gcp-secret-manager", GCP_SECRET_MANAGER_PREFIX=f"{GCP}/")
    assert entries() == [("gcp_secretmanager", {"project_id": "my-project"})]
    variables(GCP_SECRET_MANAGER_PREFIX=f"{GCP}/ml-")
    assert entries()[0][1]["prefix"] == "ml-"


@pytest.mark.usefixtures("file")
def test_type_of_tacendas(variables: Any):
    """A type of tacenda's own is the entries that the stack has of it, or one with default settings."""
    variables(DEFAULT_SECRETS_BACKEND_TYPE="local")
    assert entries() == [("local", {"path": ".secrets.json"})]
    assert start_step("api-keys")["api-keys"]["API_KEY"] == "example-local"
    variables(DEFAULT_SECRETS_BACKEND_TYPE="vault")
    assert entries() == [("vault", {})]


@pytest.mark.parametrize(
    "settings",
    [
        {"DEFAULT_SECRETS_BACKEND_TYPE": "somebodys"},
        {"DEFAULT_SECRETS_BACKEND_TYPE": "inline"},
        {"DEFAULT_SECRETS_BACKEND_TYPE": "aws-secrets-manager", "DEFAULT_AWS_CLIENT_PROVIDER": "ours"},
        {"DEFAULT_SECRETS_BACKEND_TYPE": "az-key-vault", "DEFAULT_AZURE_CLIENT_PROVIDER": "ours"},
        {"DEFAULT_SECRETS_BACKEND_TYPE": "gcp-secret-manager", "DEFAULT_GCP_CLIENT_PROVIDER": "ours"},
    ],
)
def test_somebody_elses(variables: Any, settings: dict[str, str]):
    """A type of somebody else's, or clients of somebody else's, stay with Metaflow's own machinery, whole."""
    variables(**settings)
    assert in_force().stack is None


def test_two_prefixes(variables: Any):
    """Two prefixes and no type are an error that names both, for those who need to know; a type decides."""
    variables(AZURE_KEY_VAULT_PREFIX=AZURE, GCP_SECRET_MANAGER_PREFIX=f"{GCP}/")
    message = failure("api-keys")
    assert "METAFLOW_AZURE_KEY_VAULT_PREFIX and METAFLOW_GCP_SECRET_MANAGER_PREFIX are both set" in message
    assert start_step({"type": "inline", "id": "x", "options": {"env_vars": {}}}) == {"x": {}}
    variables(DEFAULT_SECRETS_BACKEND_TYPE="az-key-vault")
    assert entries()[0][0] == "azure_keyvault"


def test_references_beside_two_prefixes(variables: Any):
    """A reference names its backend: two prefixes are no error for it, and each is the setting of its own cloud."""
    variables(AZURE_KEY_VAULT_PREFIX=AZURE, GCP_SECRET_MANAGER_PREFIX=f"{GCP}/")
    arn = "arn:aws:secretsmanager:eu-west-1:123456789:secret:api-keys-abc123"
    stacks = [spec.stack for spec in parse([arn, "azure://api-keys", "gcp://api-keys", "vault://secret/x"])]
    found = [[(entry.provider, dict(entry.settings)) for entry in stack.entries] for stack in stacks if stack]
    assert found[0] == [("aws_secretsmanager", {})]
    assert found[1] == [("azure_keyvault", {"vault_url": AZURE})]
    assert found[2] == [("gcp_secretmanager", {"project_id": "my-project"})]
    assert len(found) == 4
    assert make_snapshot()["metaflow.json"]["settings"]["AZURE_KEY_VAULT_PREFIX"] == AZURE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DEFAULT_SECRETS_BACKEND_TYPE": "az-key-vault"}, "needs METAFLOW_AZURE_KEY_VAULT_PREFIX, which is not set"),
        ({"DEFAULT_SECRETS_BACKEND_TYPE": "gcp-secret-manager"}, "needs METAFLOW_GCP_SECRET_MANAGER_PREFIX"),
        ({"DEFAULT_SECRETS_BACKEND_TYPE": "gcp-secret-manager", "GCP_SECRET_MANAGER_PREFIX": "my-project"}, GCP[:8]),
        ({"DEFAULT_SECRETS_BACKEND_TYPE": "az-key-vault", "AZURE_KEY_VAULT_PREFIX": "http://x"}, "must be https"),
        (
            {"DEFAULT_SECRETS_BACKEND_TYPE": "az-key-vault", "AZURE_KEY_VAULT_PREFIX": f"{AZURE}/secrets/"},
            "METAFLOW_AZURE_KEY_VAULT_PREFIX 'https://myvault.vault.azure.net/secrets' is more than the address",
        ),
    ],
)
def test_wrong_prefix(variables: Any, settings: dict[str, str], message: str):
    """A prefix that is missing, or is none, is an error that says which form it has."""
    variables(**settings)
    assert message in failure("api-keys")


@pytest.mark.usefixtures("file")
def test_role_of_a_stack():
    """@secrets(role=…) is what entries on AWS assume, of a configured stack too; others have no use for it."""
    assert entries(ROLE) == [("local", {"path": ".secrets.json"})]
    Path("tacenda.yaml").write_text("stacks: {dev: {secrets: [env, {provider: aws, region: eu-west-1}]}}")
    assert entries(ROLE)[1] == ("aws_secretsmanager", {"region": "eu-west-1", "role_arn": ROLE})
