"""`StackDefinition`, and FlowyML's own configuration of stacks, with the documented `secrets:` section."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
from typing import Any

import pytest
import yaml

from tacenda.errors import ConfigurationError

pytestmark = pytest.mark.flowyml

# From FlowyML 2.2.1 without tacenda: `StackDefinition.from_dict(definition()).compute_digest()`.
DIGEST = "sha256:f9905c0083ea83cd2fa4b66bccb4a7182d897bdafc5e7619d64f23606b912469"
DOCUMENTED = {
    "env": {},
    "local": {"path": ".secrets.json"},
    "vault": {"vault_url": "https://vault.example.com", "vault_mount": "secret", "vault_path": "ml/training"},
    "azure_keyvault": {"vault_url": "https://my-vault.vault.azure.net"},
    "aws_secretsmanager": {"region": "us-east-1", "secret_name": "ml/training-secrets"},
    "gcp_secretmanager": {"project_id": "my-gcp-project"},
}


def definition(**secrets: Any) -> dict[str, Any]:
    """Return a stack definition as FlowyML documents it."""
    spec = {"backend": "local", **({"secrets": secrets} if secrets else {})}
    return {
        "apiVersion": "flowyml.io/v1",
        "kind": "Stack",
        "metadata": {"name": "prod", "version": "1.0.0"},
        "spec": spec,
    }


@pytest.fixture
def models(flowyml) -> Any:
    return importlib.import_module("flowyml.stacks.enterprise.models")


@pytest.fixture
def from_yaml(models, tmp_path) -> Any:
    """Return a function that writes stacks/prod.yaml and loads it as documented."""

    def load(**secrets: Any) -> Any:
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / "stacks" / "prod.yaml").write_text(yaml.safe_dump(definition(**secrets)))
        return models.StackDefinition.from_yaml("stacks/prod.yaml")

    return load


@pytest.mark.parametrize("provider", DOCUMENTED)
def test_every_documented_setting(from_yaml, provider):
    """A stacks/prod.yaml with each documented provider and setting is taken (S0.11-S0.13, S0.49)."""
    secrets = from_yaml(provider=provider, **DOCUMENTED[provider]).spec.secrets
    assert secrets.provider == provider
    assert secrets.model_extra == DOCUMENTED[provider]


def test_unknown_provider(from_yaml):
    """A provider that nobody knows is refused as FlowyML refuses it, with the documented names beside its own."""
    exceptions = importlib.import_module("flowyml.stacks.enterprise.exceptions")
    with pytest.raises(exceptions.StackValidationError, match=r"(?s)vaut.*azure_keyvault.*hashicorp_vault"):
        from_yaml(provider="vaut")


def test_other_sections_are_as_strict_as_before(models):
    """Only `secrets:` is widened."""
    wrong = definition()
    wrong["spec"]["comput"] = {}
    with pytest.raises(ValueError, match="comput"):
        models.StackDefinition.from_dict(wrong)


def test_digest(models):
    """The digest of a definition is FlowyML's own, unless it has settings that FlowyML does not know."""
    plain = models.StackDefinition.from_dict(definition())
    with_scope = models.StackDefinition.from_dict(definition(provider="env", scope="ML_"))
    documented = models.StackDefinition.from_dict(definition(provider="vault", vault_path="a"))
    other = models.StackDefinition.from_dict(definition(provider="vault", vault_path="b"))
    assert plain.compute_digest() == DIGEST
    assert len({each.compute_digest() for each in (plain, with_scope, documented, other)}) == 4


def test_vault(from_yaml, vault, document):
    """The documented lines read from a real server (S0.50)."""
    stack = from_yaml(**vault, vault_path=document(API_KEY="example-key"))
    assert stack.get_secrets_provider().get_secret("API_KEY") == "example-key"


def test_relative_path(from_yaml, tmp_path, monkeypatch):
    """A relative `path` starts at the file's directory, wherever the program was started (S0.22)."""
    stack = from_yaml(provider="local", path="../conf/.secrets.json")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / ".secrets.json").write_text('{"API_KEY": "example-key"}')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert stack.get_secrets_provider().get_secret("API_KEY") == "example-key"


def test_origin_is_no_part_of_it(from_yaml, models):
    """Where a definition was read from is in neither its digest, its comparison nor its copies, and is forgotten."""
    from tacenda_flowyml import _sources

    stack = from_yaml(provider="local", path="a.json")
    given = models.StackDefinition.from_dict(definition(provider="local", path="a.json"))
    assert stack == given
    assert stack.compute_digest() == given.compute_digest()
    assert pickle.loads(pickle.dumps(stack)) == copy.deepcopy(stack) == stack
    known = len(_sources._FILES)
    del stack
    gc.collect()
    assert len(_sources._FILES) == known - 1


def test_credentials(from_yaml, models, vault):
    """A file that somebody commits holds no credential; a mapping given in code may."""
    stack = from_yaml(**vault, token="example-token")
    with pytest.raises(ConfigurationError, match="holds a credential") as raised:
        stack.get_secrets_provider()
    assert "example-token" not in str(raised.value)
    assert models.StackDefinition.from_dict(definition(**vault, token="example-token")).get_secrets_provider()


def test_own_scope(from_yaml, bao, document, monkeypatch):
    """FlowyML's own names with `scope` work in a definition as before."""
    monkeypatch.setenv("VAULT_ADDR", bao.url)
    monkeypatch.setenv("VAULT_TOKEN", bao.token)
    monkeypatch.setenv("ML_KEY", "example-env")
    stack = from_yaml(provider="hashicorp_vault", scope=document(KEY="example-vault"))
    assert stack.get_secrets_provider().get_secret("KEY") == "example-vault"
    assert from_yaml(provider="env", scope="ML_").get_secrets_provider().get_secret("KEY") == "example-env"
    own = from_yaml(provider="aws_secrets_manager", scope="x").get_secrets_provider()
    assert type(own).__name__ == "AWSSecretsManagerProvider"
    documented = from_yaml(provider="aws_secrets_manager", region="us-east-1").get_secrets_provider()
    assert documented.provider_name == "aws_secretsmanager"


def test_without_section(from_yaml, models, monkeypatch):
    """A definition without `secrets:` reads the environment (S0.18)."""
    monkeypatch.setenv("API_KEY", "example-key")
    assert from_yaml().get_secrets_provider().get_secret("API_KEY") == "example-key"
    assert models.SecretsConfig().model_dump() == {"provider": "env", "scope": None}


def test_stack_config(flowyml, tmp_path, monkeypatch):
    """A stack of flowyml.yaml keeps its `secrets:`, on the way to the live stack too (S0.16)."""
    stack_config = importlib.import_module("flowyml.plugins.stack_config")
    factory = importlib.import_module("flowyml.stacks.enterprise.secrets").get_secrets_provider
    stacks = {"dev": {"secrets": {"provider": "local", "path": "dev.json"}}, "plain": {"orchestrator": None}}
    (tmp_path / "flowyml.yaml").write_text(yaml.safe_dump({"stacks": stacks}))
    (tmp_path / "dev.json").write_text('{"API_KEY": "example-key"}')
    manager = stack_config.get_stack_manager()
    dev, plain = manager.get_stack("dev"), manager.get_stack("plain")
    live = dev.to_stack()
    assert (dev.secrets, live.secrets, plain.secrets) == (stacks["dev"]["secrets"], stacks["dev"]["secrets"], None)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for stack in (dev, live):
        assert factory(stack).get_secret("API_KEY") == "example-key"
