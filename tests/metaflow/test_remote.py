"""Steps that run elsewhere: containers of Argo and Batch, without Metaflow and tacenda, on S3 and real backends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from aws_lab import AwsGateway
from containers import Cluster, Deployment, Pod
from programs import places_of

from metaflow_extensions.tacenda.plugins.sources._namespace import legal
from tacenda.testing import Moto, OpenBao, moto, openbao

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

FLOW = """
import json, os, sys
from metaflow import FlowSpec, current, secrets, step

class RemoteFlow(FlowSpec):
    @secrets(sources=["api-keys", f"db-credentials-{current.namespace}", "token-{namespace}"])
    @step
    def start(self):
        import tacenda
        key = current.secrets.api_keys["API_KEY"]
        print("key:", key)
        print("to stderr:", os.environ["PASSWORD"], file=sys.stderr)
        self.facts = {
            "length": len(key),
            "port": current.secrets["db-credentials-prod"]["PORT"],
            "sources": list(current.secrets),
            "variable": os.environ["API_KEY"] == key,
            "own code asks the same": tacenda.get("api-keys", "API_KEY") == key,
            "tacenda is carried": ".mf_code" in tacenda.__file__,
        }
        print("FACTS", json.dumps(self.facts))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    RemoteFlow()
"""
LEAKING = """
from metaflow import FlowSpec, current, secrets, step
class LeakingFlow(FlowSpec):
    @secrets(sources=["api-keys-{namespace}"])
    @step
    def start(self):
        self.kept = [current.secrets["api-keys-{namespace}"]["API_KEY"]]
        print("key:", self.kept[0])
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    LeakingFlow()
"""
SECRETS = {
    "api-keys": {"API_KEY": "example-key-for-remote-steps"},
    "db-credentials-prod": {"PASSWORD": "example-password-for-remote-steps", "PORT": 5432},
    "token-prod": {"TOKEN": "example-token-for-remote-steps"},
}
VALUES = [SECRETS["api-keys"]["API_KEY"], SECRETS["db-credentials-prod"]["PASSWORD"], SECRETS["token-prod"]["TOKEN"]]
FETCH = """
import metaflow
from metaflow_extensions.tacenda.plugins._core import clear_errors
from metaflow_extensions.tacenda.plugins.sources._fetch import fetch
try:
    with clear_errors("Failed to retrieve secrets"):
        fetch({sources!r}, None)
except metaflow.exception.MetaflowException as error:
    print(error)
"""
"""Reads sources in a container as a step there does, and prints what is wrong."""


class Run(NamedTuple):
    """A deployed flow, and the container of its first step."""

    deployment: Deployment
    start: Pod

    @property
    def facts(self) -> dict[str, object]:
        [line] = [line for line in self.start.output.splitlines() if line.startswith("FACTS ")]
        return json.loads(line.removeprefix("FACTS "))


@pytest.fixture(scope="module")
def aws() -> Iterator[Moto]:
    with moto() as server:
        yield server


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with openbao() as server:
        for name, value in SECRETS.items():
            server.client().secrets.kv.v2.create_or_update_secret(name, value)
        yield server


@pytest.fixture(scope="module")
def cluster(aws: Moto, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(tmp_path_factory.mktemp("cluster"), aws)


@pytest.fixture(scope="module")
def configuration(bao: OpenBao) -> dict[str, str]:
    """Two stacks, of which TACENDA_STACK chooses one on the deployer's machine."""
    vault = {"provider": "vault", "vault_url": bao.url}
    stacks = {
        "prod": {"secrets": vault, "non_secret_keys": ["note"]},
        "laptop": {"secrets": {"provider": "local", "path": "kept.json"}},
    }
    return {"tacenda.yaml": json.dumps({"default_stack": "laptop", "stacks": stacks})}


@pytest.fixture(scope="module")
def on_vault(cluster: Cluster, bao: OpenBao, configuration: dict[str, str]) -> Run:
    settings = {"TACENDA_STACK": "prod", "TACENDA_START_JITTER": "0.5", "TACENDA_DEADLINE": "20"}
    deployment = cluster.deploy(FLOW, configuration, "argo-workflows", "--namespace", "prod", **settings)
    assert deployment.returncode == 0, deployment.messages
    return Run(deployment, cluster.run(deployment, "start", VAULT_TOKEN=bao.token))


def test_resolves_as_on_the_laptop(on_vault):
    """A container without Metaflow, tacenda or a configuration has the secrets of the stack in force at deployment.

    So it is with the namespace that the flow was deployed for (S1.54).
    """
    assert on_vault.start.returncode == 0, on_vault.start.output
    assert on_vault.facts == {
        "length": len(VALUES[0]),
        "port": 5432,
        "sources": ["api-keys", "db-credentials-prod", "token-{namespace}"],
        "variable": True,
        "own code asks the same": True,
        "tacenda is carried": True,
    }


def test_masked_in_a_container(cluster, on_vault):
    """A container prints masks only, and so do the logs that it stores in S3; nothing there holds a value."""
    assert "key: [masked]" in on_vault.start.output
    assert "to stderr: [masked]" in on_vault.start.output
    kept = cluster.download()
    logs = [path for path in kept.iterdir() if path.name.endswith("task_stdout.log")]
    assert "key: [masked]" in "".join(path.read_text() for path in logs)
    assert places_of(VALUES, kept, output=on_vault.deployment.messages + on_vault.start.output) == []


def test_what_the_container_may_change(cluster, on_vault, tmp_path):
    """TACENDA_CONFIG goes before the carried stack; the deployer's other settings hold where there are none."""
    own = tmp_path / "own.json"
    own.write_text('{"stacks": {"own": {"secrets": {"provider": "env"}}}}')
    program = "import metaflow.plugins, os, tacenda; stack = tacenda.open_store().stack;"
    program += "print(stack.name, os.environ['TACENDA_START_JITTER'], stack.deadline, 'note' in stack.non_secret_keys)"
    ask = (on_vault.deployment, on_vault.start.code, program)
    assert cluster.ask(*ask) == "prod 0.5 20.0 True"
    changed = {"TACENDA_CONFIG": str(own), "TACENDA_START_JITTER": "0", "TACENDA_DEADLINE": "3"}
    assert cluster.ask(*ask, **changed) == "own 0 3.0 False"


def test_documented_variables_on_batch(cluster, aws):
    """Documented variables arrive too, also what Batch does not forward: the role is assumed, a prefix is there.

    Without a namespace of its own, a deployed flow is in that of its production token. An artifact that holds a
    secret fails the task there, too.
    """
    role = "arn:aws:iam::123456789012:role/ExampleRole"
    variables = {
        "METAFLOW_SECRETS_BACKEND_TYPE": "aws-secrets-manager",
        "METAFLOW_SECRETS_BACKEND_ROLE": role,
        "METAFLOW_AWS_SECRETS_MANAGER_DEFAULT_REGION": "eu-central-1",
        "METAFLOW_GCP_SECRET_MANAGER_PREFIX": "projects/example/secrets/",
    }
    deployment = cluster.deploy(LEAKING, {}, "step-functions", **variables)
    assert deployment.returncode == 0, deployment.messages
    forwarded = deployment.containers["start"].environment
    assert "eu-central-1" in forwarded.values()
    assert not {role, "projects/example/secrets/"} & set(forwarded.values())
    namespace = legal(f"production:{forwarded['METAFLOW_PRODUCTION_TOKEN']}")
    secret = {"Name": f"api-keys-{namespace}", "SecretString": json.dumps(SECRETS["api-keys"])}
    aws.client(region_name="eu-central-1").create_secret(**secret)
    with AwsGateway(aws.url) as gateway:
        asked = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": gateway.url, "AWS_ENDPOINT_URL_STS": gateway.url}
        pod = cluster.run(deployment, "start", **asked)
    assert "key: [masked]" in pod.output
    assert gateway.operations == ["AssumeRole", "GetSecretValue"]
    assert pod.returncode != 0
    assert "SecretLeak" in pod.output
    assert "'kept'" in pod.output
    assert places_of(VALUES, cluster.download(), output=pod.output) == []
    program = "from metaflow import metaflow_config; print(metaflow_config.GCP_SECRET_MANAGER_PREFIX)"
    assert cluster.ask(deployment, pod.code, program) == "projects/example/secrets/"


def test_missing_sdk(cluster, on_vault):
    """An SDK that the image lacks is an error that says what to put there, or into @pypi."""
    program = FETCH.format(sources=["https://example-vault.vault.azure.net/secrets/api-keys"])
    said = cluster.ask(on_vault.deployment, on_vault.start.code, program)
    assert "azure needs the package azure" in said
    assert "put azure-identity, azure-keyvault-secrets, requests into the step's image or @pypi" in said


def test_file_on_the_laptop(cluster, configuration):
    """A stack that is a file here is warned of when the flow is deployed, and named where it is not found."""
    files = {**configuration, "kept.json": json.dumps(SECRETS)}
    deployment = cluster.deploy(LEAKING, files)
    assert deployment.returncode == 0
    assert "step 'start' runs on another machine" in deployment.messages
    assert "stack 'laptop' asks a file on this one" in deployment.messages
    desk = max(cluster.home.glob("desk-*"), key=lambda path: path.stat().st_ctime_ns)
    (desk / "kept.json").rename(desk / "elsewhere.json")  # as on any other machine
    said = cluster.ask(deployment, cluster.unpack(deployment), FETCH.format(sources=["api-keys"]))
    assert f"{desk}/kept.json" in said


def test_unknown_stack_at_deployment(cluster, configuration):
    """A flow whose stack cannot be told is not deployed: the error comes then and there."""
    deployment = cluster.deploy(LEAKING, configuration, TACENDA_STACK="nobodys")
    assert deployment.returncode != 0
    assert "there is no stack 'nobodys'" in deployment.messages
    assert "the stacks are: prod, laptop" in deployment.messages
