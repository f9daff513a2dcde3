"""`get_secrets_provider` in the documented form and in FlowyML's own."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tacenda.errors import ConfigurationError
from tacenda.masking import find_leaks

pytestmark = pytest.mark.flowyml


@pytest.fixture
def secrets(flowyml) -> Any:
    return importlib.import_module("flowyml.stacks.enterprise.secrets")


@pytest.fixture
def get_secrets_provider(secrets) -> Any:
    return secrets.get_secrets_provider


def test_documented_imports(flowyml, secrets):
    """The factory is the same one at both documented places, and looks like FlowyML's (S0.46)."""
    import inspect

    enterprise = importlib.import_module("flowyml.stacks.enterprise")
    assert enterprise.get_secrets_provider is secrets.get_secrets_provider
    assert list(inspect.signature(secrets.get_secrets_provider).parameters) == ["provider_name", "scope", "kwargs"]


def test_active(flowyml):
    """Every patch fits this FlowyML, and nothing of ours is in its registry of components."""
    from tacenda._adapters import problems

    registry = importlib.import_module("flowyml.stacks.plugins").get_component_registry()
    assert problems("flowyml") == []
    assert not [name for names in registry.list_all().values() for name in names if "tacenda" in name]


# -- the documented form ------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, None, {"secrets": None}, {"name": "dev", "orchestrator": {"type": "local"}}])
def test_env_is_the_default(get_secrets_provider, monkeypatch, config):
    """A stack without `secrets:` reads the environment, by exact name (S0.7, S0.17, S0.18)."""
    monkeypatch.setenv("DB_PASSWORD", "example-password")
    assert get_secrets_provider(config).get_secret("DB_PASSWORD") == "example-password"


def test_default_with_a_name_that_tacenda_configures(get_secrets_provider, tmp_path):
    """A FlowyML stack that says nothing of secrets has those of tacenda's stack of its name."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {prod: {secrets: {provider: local}}}")
    (tmp_path / ".secrets.json").write_text('{"API_KEY": "example-key"}')
    assert get_secrets_provider(SimpleNamespace(name="prod")).get_secret("API_KEY") == "example-key"
    assert get_secrets_provider(SimpleNamespace(name="other")).get_secret("API_KEY") is None


@pytest.mark.parametrize("whole", [True, False])
def test_vault(get_secrets_provider, vault, document, whole):
    """`vault_url`, `vault_mount`, `vault_path` and VAULT_TOKEN lead to a document (S0.23-S0.26, S0.47, S0.48)."""
    section = {**vault, "vault_path": document(DB_PASSWORD="example-password")}
    provider = get_secrets_provider({"name": "prod", "secrets": section} if whole else section)
    assert provider.get_secret("DB_PASSWORD") == "example-password"
    assert provider.list_secrets() == ["DB_PASSWORD"]


def test_raw_definition(get_secrets_provider, monkeypatch):
    """The mapping of a whole StackDefinition is one of the forms too, with a prefix of env."""
    monkeypatch.setenv("ML_API_KEY", "example-key")
    spec = {"backend": "local", "secrets": {"provider": "env", "prefix": "ML_"}, "cache_ttl": 0}
    provider = get_secrets_provider({"kind": "Stack", "spec": spec})
    assert provider.get_secret("API_KEY") == "example-key"
    assert provider.list_secrets() == ["API_KEY"]
    assert provider._store.stack.cache_ttl == 0


def test_chain(get_secrets_provider, tmp_path, monkeypatch):
    """A list is a chain, as everywhere in tacenda."""
    (tmp_path / "a.json").write_text('{"A": "example-a"}')
    (tmp_path / ".env").write_text("A=other\nB=example-b\n")
    chain = [{"provider": "local", "scope": "a.json"}, {"provider": "local", "path": ".env"}]
    provider = get_secrets_provider({"secrets": chain})
    assert provider.get_secrets(["A", "B", "C"]) == {"A": "example-a", "B": "example-b", "C": None}
    assert provider.provider_name == "local, local"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".secrets.json", json.dumps({"K": "a'b=#\"\nend"})),
        ("conf/my.json", json.dumps({"K": "a'b=#\"\nend"})),
        ("prod.env", 'K="a\'b=#\\"\\nend"\n'),
        (None, json.dumps({"K": "a'b=#\"\nend"})),
    ],
)
def test_local(get_secrets_provider, tmp_path, path, content):
    """`local` takes a JSON or .env `path`, and none is .secrets.json (S0.8, S0.9, S0.19-S0.21)."""
    file = tmp_path / (path or ".secrets.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    section = {"provider": "local", **({"path": path} if path else {})}
    assert get_secrets_provider({"secrets": section}).get_secret("K") == "a'b=#\"\nend"


def test_local_without_path_falls_back_to_dotenv(get_secrets_provider, tmp_path):
    """Without .secrets.json it is .env (S0.9)."""
    (tmp_path / ".env").write_text("API_KEY=example-key\n")
    assert get_secrets_provider({"provider": "local"}).get_secret("API_KEY") == "example-key"


# -- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("vaut", "did you mean 'vault'"),
        ({"provider": "vaut"}, "did you mean 'vault'"),
        ({"secrets": {"provider": "vault", "vault_ur": "x"}}, "did you mean 'vault_url'"),
        ({"stacks": {"dev": {}, "prod": {}}}, "dev, prod"),
        (42, "not a int"),
    ],
)
def test_wrong_configuration(get_secrets_provider, config, said):
    """What means nothing is a ConfigurationError, which is also the ValueError of FlowyML's own factory."""
    with pytest.raises(ConfigurationError, match=said) as raised:
        get_secrets_provider(config)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("name", ["aws_secretsmanager", "aws-secrets-manager", "aws"])
def test_clouds_by_name(get_secrets_provider, name):
    """A cloud goes by its documented name, by Metaflow's and by tacenda's, with its settings beside it (S1.13)."""
    assert get_secrets_provider(name, region="us-east-1").provider_name == "aws_secretsmanager"
    assert get_secrets_provider({"provider": name, "region": "us-east-1"}).provider_name == "aws_secretsmanager"


def test_settings_beside_a_configuration(get_secrets_provider):
    """A configuration holds its own settings: some beside it would be lost."""
    with pytest.raises(TypeError, match="settings go with a provider's name"):
        get_secrets_provider({"provider": "env"}, scope="X_")


# -- FlowyML's own form -------------------------------------------------------------------------------------


def test_own_env(get_secrets_provider, monkeypatch):
    """`env` with a scope is a prefix; without one it lists all variables, as FlowyML does."""
    monkeypatch.setenv("ML_API_KEY", "example-key")
    assert get_secrets_provider("env", scope="ML_").get_secret("API_KEY") == "example-key"
    assert get_secrets_provider("env", "ML_").list_secrets() == ["API_KEY"]
    assert {"ML_API_KEY", "PATH"} <= set(get_secrets_provider(provider_name="env").list_secrets())


def test_own_local(get_secrets_provider, tmp_path):
    """`local` reads its scope, and `.env` without one, also beside a .secrets.json."""
    (tmp_path / ".env").write_text("K=dotenv\n")
    (tmp_path / ".secrets.json").write_text('{"K": "json"}')
    (tmp_path / ".env.prod").write_text("K=prod\n")
    assert get_secrets_provider("local").get_secret("K") == "dotenv"
    assert get_secrets_provider("local", scope=".env.prod").get_secret("K") == "prod"
    assert get_secrets_provider("local", path=".secrets.json").get_secret("K") == "json"


def test_own_local_with_another_name(get_secrets_provider, secrets, tmp_path):
    """A file whose name tells no format is FlowyML's as before, and what it holds is masked."""
    (tmp_path / "keys.txt").write_text("K=example-from-a-text-file\n")
    provider = get_secrets_provider("local", scope="keys.txt")
    assert isinstance(provider, secrets.LocalSecretsProvider)
    assert provider.get_secrets(["K"]) == {"K": "example-from-a-text-file"}
    assert find_leaks("example-from-a-text-file") == ["local: K"]


@pytest.mark.parametrize("before", ["", "secret/data/"])
def test_own_vault(get_secrets_provider, bao, document, monkeypatch, before):
    """`hashicorp_vault` takes both kinds of scope, and its own arguments for address and token."""
    scope = before + document(OPENAI_API_KEY="example-openai")
    direct = get_secrets_provider("hashicorp_vault", scope=scope, vault_addr=bao.url, vault_token=bao.token)
    assert direct.get_secret("OPENAI_API_KEY") == "example-openai"
    monkeypatch.setenv("VAULT_ADDR", bao.url)
    monkeypatch.setenv("VAULT_TOKEN", bao.token)
    provider = get_secrets_provider("hashicorp_vault", scope)
    assert provider.get_secret("OPENAI_API_KEY") == "example-openai"
    provider.delete_secret("OPENAI_API_KEY")
    assert provider.get_secret("OPENAI_API_KEY") is None


def test_own_clouds(get_secrets_provider, secrets):
    """FlowyML's own cloud names are FlowyML's own classes, also in a configuration that has only its own settings."""
    for name, kind in [
        ("aws_secrets_manager", secrets.AWSSecretsManagerProvider),
        ("azure_key_vault", secrets.AzureKeyVaultProvider),
        ("gcp_secret_manager", secrets.GCPSecretManagerProvider),
    ]:
        assert type(get_secrets_provider(name, scope="x")) is kind
        assert type(get_secrets_provider({"secrets": {"provider": name, "scope": "x"}})) is kind


def test_own_classes_are_masked(secrets, monkeypatch):
    """Whoever makes FlowyML's own provider has its values masked, keys of a JSON text each for itself."""
    monkeypatch.setenv("BOTH", '{"HOST": "db.example", "PASSWORD": "example-own-password"}')
    assert secrets.EnvSecretsProvider().get_secret(key="BOTH").startswith("{")
    assert list(secrets.EnvSecretsProvider().get_secrets(keys=["BOTH", "NOTHING"])) == ["BOTH", "NOTHING"]
    assert find_leaks("it is example-own-password") == ["env: BOTH#PASSWORD"]
    assert find_leaks("at db.example") == []


# -- without an argument ------------------------------------------------------------------------------------


def test_without_argument(get_secrets_provider, tmp_path, monkeypatch):
    """Without an argument it is the active stack: the lone one, TACENDA_STACK's; several are an error (S0.79)."""
    config = tmp_path / "flowyml.yaml"
    (tmp_path / ".secrets.json").write_text('{"API_KEY": "example-key"}')
    config.write_text("stacks: {dev: {secrets: {provider: local}, orchestrator: {type: local}}}")
    assert get_secrets_provider().get_secret("API_KEY") == "example-key"
    config.write_text("stacks: {dev: {secrets: {provider: local}}, prod: {secrets: {provider: env}}}")
    monkeypatch.setenv("TACENDA_CONFIG", str(config))
    with pytest.raises(ConfigurationError, match="dev, prod"):
        get_secrets_provider()
    monkeypatch.setenv("TACENDA_STACK", "dev")
    assert get_secrets_provider().get_secret("API_KEY") == "example-key"
