"""`tacenda check --flow` on each backend: there, missing, denied and unavailable are told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import NOBODY, check, one_step, started, states
from command_line import VALUE, Cli
from internet import Internet

from tacenda.testing import azure_key_vault, gcp_secret_manager, moto, openbao

pytestmark = pytest.mark.metaflow


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command with Metaflow's adapter, and no configuration."""
    command = started(tmp_path)
    (tmp_path / "tacenda.yaml").unlink()
    yield command
    command.end()


def typed(kind: str, *names: str) -> str:
    """Return plain names, and after them the same ones for Metaflow's own provider of a type."""
    return json.dumps([*names, *(f"{kind}.{name}" for name in names)])


def test_on_aws(cli: Cli):
    """Metaflow's variable chooses AWS, and is named; its own provider serves typed sources (S1.10, S1.76)."""
    kind = "aws-secrets-manager"
    with moto() as aws:
        aws.client().create_secret(Name="api-keys", SecretString=json.dumps({"API_KEY": VALUE}))
        iam = aws.client("iam")
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        cli.environment |= {**aws.environment(), "METAFLOW_SECRETS_BACKEND_TYPE": kind}
        dicts = '{"type": "aws-secrets-manager", "id": "nothing"}'
        report = check(cli, one_step(f'["api-keys", "nothing", "{kind}.api-keys", {dicts}], env=False'))
        aws.enforce_iam()
        login = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        denied = check(cli, one_step(typed(kind, "api-keys")), **login)
    assert report["code"] == 3
    assert f"METAFLOW_SECRETS_BACKEND_TYPE={kind}" in report["stack"]["why"]
    found = states(report)
    assert found.pop("api-keys")[0].startswith("stack metaflow: aws://")
    assert found == {
        "nothing": ("stack metaflow", "SecretNotFound"),
        f"{kind}.api-keys": (f"Metaflow's own provider {kind}", True),
        f"type={kind} id=nothing": (f"Metaflow's own provider {kind}", "SecretNotFound"),
    }
    assert denied["code"] == 4
    assert [state for _, state in states(denied).values()] == ["AccessDenied", "AccessDenied"]
    assert key["SecretAccessKey"] not in json.dumps(denied)
    down = check(cli, one_step(typed(kind, "api-keys")), AWS_ENDPOINT_URL=NOBODY)  # one attempt, without waiting
    assert down["code"] == 5
    assert [state for _, state in states(down).values()] == ["BackendUnavailable", "BackendUnavailable"]


def test_on_azure(cli: Cli):
    """A prefix chooses Azure; its states are told apart, by Metaflow's own provider too (S1.31, S1.76)."""
    host, kind = "myvault.vault.azure.net", "az-key-vault"
    with azure_key_vault(names=("127.0.0.1", host)) as vault:
        for name in ("api-keys", "closed"):
            vault.put(name, VALUE)
        routes = {f"{host}:443": int(vault.url.rpartition(":")[2])}
        with Internet(routes, vault.ca_cert) as internet, vault.denied("closed"):
            cli.environment |= {**vault.environment("managed_identity"), **internet.environment()}
            cli.environment["METAFLOW_AZURE_KEY_VAULT_PREFIX"] = f"https://{host}/"
            report = check(cli, one_step(typed(kind, "api-keys", "nothing", "closed")))
            with vault.down():
                down = check(cli, one_step(typed(kind, "api-keys")))
    assert report["code"] == 4
    assert report["stack"] == {"name": "metaflow", "why": f"METAFLOW_AZURE_KEY_VAULT_PREFIX=https://{host}/"}
    assert [*states(report).values()] == [
        ("stack metaflow: azure://api-keys", True),
        ("stack metaflow", "SecretNotFound"),
        ("stack metaflow", "AccessDenied"),
        (f"Metaflow's own provider {kind}", True),
        (f"Metaflow's own provider {kind}", "SecretNotFound"),
        (f"Metaflow's own provider {kind}", "AccessDenied"),
    ]
    assert down["code"] == 5
    assert [state for _, state in states(down).values()] == ["BackendUnavailable", "BackendUnavailable"]


def test_on_gcp(cli: Cli):
    """A prefix chooses GCP; its states are told apart, by Metaflow's own provider too (S1.39, S1.76)."""
    kind = "gcp-secret-manager"
    with gcp_secret_manager(tls=True, project="my-project") as gcp:
        for name in ("api-keys", "closed"):
            gcp.put(name, VALUE.encode())
        routes = {"secretmanager.googleapis.com:443": int(gcp.endpoint.rpartition(":")[2])}
        with Internet(routes, str(gcp.ca_cert)) as internet, gcp.denied("closed"):
            cli.environment |= {**gcp.environment("workload_identity"), **internet.environment()}
            cli.environment["METAFLOW_GCP_SECRET_MANAGER_PREFIX"] = "projects/my-project/secrets"
            report = check(cli, one_step(typed(kind, "api-keys", "nothing", "closed")))
            with gcp.unavailable():
                down = check(cli, one_step('["api-keys"]'))  # Metaflow's own would wait for a minute
    assert report["code"] == 4
    assert [*states(report).values()] == [
        ("stack metaflow: gcp://my-project/api-keys", True),
        ("stack metaflow", "SecretNotFound"),
        ("stack metaflow", "AccessDenied"),
        (f"Metaflow's own provider {kind}", True),
        (f"Metaflow's own provider {kind}", "SecretNotFound"),
        (f"Metaflow's own provider {kind}", "AccessDenied"),
    ]
    assert (down["code"], [*states(down).values()]) == (5, [("stack metaflow", "BackendUnavailable")])


def test_on_vault(cli: Cli, tmp_path: Path):
    """Of one document, all keys in all steps are one read; a wrong token is denied, a closed port not (S1.76)."""
    flow = one_step('["vault://secret/ml#A", "ml#B", "vault.ml", "vault://secret/ml#NO"]').replace(
        "    @step\n    def end", "    @secrets(sources=['ml#A'])\n    @step\n    def end"
    )
    audit = tmp_path / "audit"
    with openbao() as vault:
        vault.client().secrets.kv.v2.create_or_update_secret(path="ml", secret={"A": VALUE, "B": VALUE})
        cli.configure(f"{{provider: vault, vault_url: '{vault.url}'}}")
        report = check(cli, flow, VAULT_TOKEN=vault.token, TACENDA_AUDIT=str(audit))
        denied = check(cli, flow, VAULT_TOKEN="example-wrong")
    assert report["code"] == 3
    assert states(report) == {
        "vault://secret/ml#A": ("stack dev: vault://secret/ml#A", True),
        "ml#B": ("stack dev: vault://secret/ml#B", True),
        "vault.ml": ("stack dev: vault://secret/ml", True),
        "vault://secret/ml#NO": ("stack dev", "SecretNotFound"),
        "ml#A": ("stack dev: vault://secret/ml#A", True),
    }
    assert len(audit.read_text().splitlines()) == 1
    assert denied["code"] == 4
    assert check(cli, flow, VAULT_TOKEN="example-token")["code"] == 5
