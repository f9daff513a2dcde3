"""Names in a cloud that Metaflow's variables choose: its own providers' environment variables, and the roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lab import WatchedGateway
from internet import Internet
from steps import clean_step, in_a_process  # noqa: F401

from tacenda.testing import Moto, azure_key_vault, gcp_secret_manager, moto

pytestmark = [pytest.mark.metaflow, pytest.mark.usefixtures("clean_step")]

COMPARED = """
import sys
from metaflow.metaflow_config import DEFAULT_SECRETS_BACKEND_TYPE as kind
from metaflow.plugins.secrets.utils import get_secrets_backend_provider
from metaflow_extensions.tacenda.plugins.sources._fetch import fetch
names = sys.argv[1:]
theirs = {name: get_secrets_backend_provider(kind).get_secret_as_dict(name) for name in names}
ours = {secret.source: dict(secret.variables) for secret in fetch(names, None)}
print("different:", [(name, [key for key in theirs[name] if theirs[name][key] != ours[name].get(key)])
                     for name in names if ours[name] != theirs[name]])
print("variables:", sorted(key for found in ours.values() for key in found))
"""
MANY_KINDS = {
    "plain": "example-plain",
    "with-hyphen": "example-1",
    "with.dot/and-slash": "example-2",
    "port": 5432,
    "ratio": 0.1,
    "big": 10**30,
    "on": True,
    "nothing": None,
    "nested": {"list": [1, "ä", None], "text": 'example\'s "quotes"'},
    "json": '{"inner": "example"}',
    "unicode": "exämple €",
    "lines": "one\ntwo\n",
    "encoded": {"data": "AAEC", "encoding": "base64"},
}


@pytest.fixture(scope="module")
def aws() -> Iterator[Moto]:
    with moto() as running:
        yield running


def test_as_metaflow_reads_aws(aws: Moto):
    """A plain name in AWS gives the very variables that Metaflow's provider makes, of every kind of value."""
    client = aws.client()
    client.create_secret(Name="kinds", SecretString=json.dumps(MANY_KINDS, indent=2) + "\n")
    client.create_secret(Name="team/binary-key", SecretBinary=bytes(range(40)))
    arn = client.create_secret(Name="by-arn", SecretString='{"ARN_KEY": "example-arn"}')["ARN"]
    chosen = {"METAFLOW_SECRETS_BACKEND_TYPE": "aws-secrets-manager", **aws.environment()}
    told = in_a_process(COMPARED, "kinds", "team/binary-key", arn, **chosen)
    assert "different: []" in told
    assert "'with_dot_and_slash'" in told
    assert "'team_binary_key'" in told


def test_as_metaflow_reads_azure():
    """A name in Azure, with or without a version, gives the very variable that Metaflow's provider makes."""
    host = "myvault.vault.azure.net"
    with azure_key_vault(names=("127.0.0.1", host)) as vault:
        client = vault.client()
        first = client.set_secret("api-keys", '{"A": "x"}').properties.version
        client.set_secret("api-keys", '{"B": 2}')
        client.set_secret("text-value", " example text \n")
        routes = {f"{host}:443": int(vault.url.rpartition(":")[2])}
        with Internet(routes, vault.ca_cert) as internet:
            login = {**vault.environment("managed_identity"), **internet.environment()}
            names = ["api-keys", f"api-keys/{first}", f"https://{host}/secrets/text-value"]
            told = in_a_process(COMPARED, *names, METAFLOW_AZURE_KEY_VAULT_PREFIX=f"https://{host}/", **login)
    assert "different: []" in told
    assert "variables: ['api_keys', 'api_keys', 'text_value']" in told


@pytest.mark.parametrize("prefix", ["projects/my-project/secrets", "projects/my-project/secrets/ml-"])
def test_as_metaflow_reads_gcp(prefix: str):
    """A name in GCP, with a version, gives the very variable that Metaflow's provider makes, with any prefix."""
    with gcp_secret_manager(tls=True, project="my-project") as gcp:
        for name in ("api-keys", "ml-api-keys"):
            gcp.put(name, b'{"A": "first"}')
            gcp.put(name, b'{"A": 2}\n')
        routes = {"secretmanager.googleapis.com:443": int(gcp.endpoint.rpartition(":")[2])}
        with Internet(routes, str(gcp.ca_cert)) as internet:
            login = {**gcp.environment("workload_identity"), **internet.environment()}
            told = in_a_process(
                COMPARED, "api-keys", "api-keys/versions/1", METAFLOW_GCP_SECRET_MANAGER_PREFIX=prefix, **login
            )
    assert "different: []" in told
    assert "variables: ['api_keys', 'api_keys']" in told


ROLES = """
from metaflow import FlowSpec, current, secrets, step
ROLE = "arn:aws:iam::123456789012:role/"
class RoleFlow(FlowSpec):
    @secrets(sources=["with-a-role", "ARN"])
    @step
    def start(self):
        assert current.secrets["a.dotted"].DOTTED == "example-dotted"
        assert current.secrets.with_a_role["N"] == 1
        self.next(self.middle)
    @secrets(sources=["with-a-role", {"type": "aws_secretsmanager", "id": "typed", "role": ROLE + "OfSource"}],
             role=ROLE + "OfStep")
    @step
    def middle(self):
        assert current.secrets.typed.TYPED == "example-typed"
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    RoleFlow()
"""


def test_roles(aws: Moto, run_flow: Any):
    """The documented role is assumed for names and ARNs, with dots too (S1.11, S1.26); a step's or source's before it.

    The variable goes before a configuration file that is found.
    """
    client = aws.client()
    arn = client.create_secret(Name="a.dotted", SecretString='{"DOTTED": "example-dotted"}')["ARN"]
    client.create_secret(Name="typed", SecretString='{"TYPED": "example-typed"}')
    client.create_secret(Name="with-a-role", SecretString='{"N": 1}')
    with WatchedGateway(aws.url) as gateway:
        chosen = {
            "METAFLOW_SECRETS_BACKEND_TYPE": "aws-secrets-manager",
            "METAFLOW_SECRETS_BACKEND_ROLE": "arn:aws:iam::123456789012:role/Documented",
            **aws.environment(),
            "AWS_ENDPOINT_URL": gateway.url,
        }
        done = run_flow(ROLES.replace("ARN", arn, 1), {"tacenda.yaml": "stacks: {dev: {secrets: env}}"}, **chosen)
    assert done.returncode == 0, done.stdout
    assert [role.rpartition("/")[2] for role in gateway.roles] == ["Documented", "OfStep", "OfSource"]
    assert "example-" not in done.stdout
