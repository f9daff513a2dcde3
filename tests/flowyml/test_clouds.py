"""The documented providers for AWS, Azure and GCP through FlowyML's factory and in a pipeline (S0.11-S0.13, S0.66)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
import yaml

from tacenda.errors import BackendUnavailable, ConfigurationError
from tacenda.masking import find_leaks
from tacenda.testing import AzureKeyVault, GcpSecretManager, Moto, azure_key_vault, gcp_secret_manager, moto

pytestmark = [pytest.mark.flowyml, pytest.mark.slow]

CLOUDS = ("aws_secretsmanager", "azure_keyvault", "gcp_secretmanager")


class Cloud(NamedTuple):
    """A running cloud: the documented section of a stack, and how its own SDK writes a text."""

    secrets: dict[str, Any]
    put: Callable[[str, str], object]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Moto, AzureKeyVault, GcpSecretManager]]:
    with ExitStack() as stack:
        yield tuple(map(stack.enter_context, (moto(), azure_key_vault(), gcp_secret_manager(tls=True))))


@pytest.fixture(params=CLOUDS)
def cloud(request, servers, flowyml, monkeypatch) -> Cloud:
    """One of the clouds, with the login in the environment."""
    aws, azure, gcp = servers
    server = dict(zip(CLOUDS, servers, strict=True))[request.param]
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    server.reset()
    if server is aws:
        client = aws.client()
        return Cloud({"region": aws.region}, lambda name, text: client.create_secret(Name=name, SecretString=text))
    if server is azure:
        section = {"vault_url": azure.url, "disable_instance_discovery": True}
        return Cloud(section, azure.client().set_secret)
    section = {"project_id": gcp.project, "api_endpoint": gcp.endpoint}
    return Cloud(section, lambda name, text: gcp.put(name, text.encode()))


@pytest.fixture
def definition(cloud, request, tmp_path) -> Any:
    """The stack definition of stacks/prod.yaml, as documented."""
    provider = request.node.callspec.params["cloud"]
    content = {
        "apiVersion": "flowyml.io/v1",
        "kind": "Stack",
        "metadata": {"name": "prod", "version": "1.0.0"},
        "spec": {"backend": "local", "secrets": {"provider": provider, **cloud.secrets}},
    }
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "prod.yaml").write_text(yaml.safe_dump(content))
    models = importlib.import_module("flowyml.stacks.enterprise.models")
    return models.StackDefinition.from_yaml("stacks/prod.yaml")


def test_a_definition_serves(definition, cloud):
    """`definition.get_secrets_provider()` gives the stored text to the letter, None if missing (S0.50-S0.54)."""
    cloud.put("api-keys", '{"b": 1, "a": "example-a"}')
    provider = definition.get_secrets_provider()
    enterprise = importlib.import_module("flowyml.stacks.enterprise.secrets")
    assert isinstance(provider, enterprise.SecretsProvider)
    assert provider.get_secret("api-keys") == '{"b": 1, "a": "example-a"}'
    assert provider.get_secret("missing") is None
    assert find_leaks("it is example-a")
    assert provider.get_secrets(["api-keys", "missing"])["missing"] is None


def test_set_list_delete(definition):
    """What is set is read back and listed; what is deleted is gone (S0.55, S0.58, S0.61)."""
    provider = definition.get_secrets_provider()
    provider.set_secret("token", "example-token")
    assert provider.get_secret("token") == "example-token"
    assert provider.list_secrets() == ["token"]
    provider.delete_secret("token")
    assert provider.get_secret("token") is None


def test_a_pipeline_reads(definition, cloud, run):
    """A step on that stack reads without naming the backend, and what it prints of it is masked (S0.3, S0.5)."""
    cloud.put("api-key", "example-cloud-key")

    def reads() -> int:
        provider = importlib.import_module("flowyml.stacks.enterprise.secrets").get_secrets_provider()
        return len(provider.get_secret("api-key"))

    assert run(reads, stack=definition).outputs == {"reads": len("example-cloud-key")}


def test_cannot_ask(servers, flowyml, monkeypatch):
    """A cloud that is out is an error, not None (S0.53)."""
    azure = servers[1]
    for name, value in azure.environment().items():
        monkeypatch.setenv(name, value)
    section = {"provider": "azure_keyvault", "vault_url": azure.url, "disable_instance_discovery": True}
    factory = importlib.import_module("flowyml.stacks.enterprise.secrets").get_secrets_provider
    provider = factory({"secrets": section, "deadline": 0.2})
    with azure.down(), pytest.raises(BackendUnavailable):
        provider.get_secret("api-key")


def test_missing_setting(flowyml):
    """A cloud without the setting that it cannot do without names it (S0.15)."""
    factory = importlib.import_module("flowyml.stacks.enterprise.secrets").get_secrets_provider
    with pytest.raises(ConfigurationError, match="vault_url"):
        factory({"provider": "azure_keyvault"}).get_secret("api-key")
