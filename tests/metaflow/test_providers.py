"""tacenda's providers as types of Metaflow's: `vault.NAME`, and dicts with settings as options."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from metaflow import metaflow_config
from metaflow.exception import MetaflowException
from metaflow.plugins import SECRETS_PROVIDERS
from metaflow.plugins.secrets import SecretsProvider
from metaflow.plugins.secrets.utils import get_secrets_backend_provider
from steps import clean_step, failure, in_a_process, start_step  # noqa: F401

from metaflow_extensions.tacenda.plugins.backend import _backend_types
from tacenda.testing import OpenBao, openbao

pytestmark = pytest.mark.usefixtures("clean_step")


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with openbao() as server:
        write = server.client().secrets.kv.v2.create_or_update_secret
        write(path="api-keys", secret={"API_KEY": "example-vault", "PORT": 8200})
        write(path="ml/token", secret={"value": "example-token"})
        yield server


def environment(bao: OpenBao) -> dict[str, str]:
    return {"VAULT_ADDR": bao.url, "VAULT_TOKEN": bao.token}


@pytest.fixture
def login(bao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login at the server, by its own variables."""
    for name, value in environment(bao).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def stack(bao: OpenBao, tmp_path: Path) -> None:
    """A chain whose second entry is the server, under a prefix."""
    entries = f"[env, {{provider: vault, vault_url: '{bao.url}', prefix: ml/}}, {{provider: local, path: s.json}}]"
    (tmp_path / "tacenda.yaml").write_text(f"stacks: {{dev: {{secrets: {entries}}}}}")
    (tmp_path / "s.json").write_text('{"api-keys": {"API_KEY": "example-local"}}')


FLOW = """
from metaflow import FlowSpec, current, secrets, step
class ProvidersFlow(FlowSpec):
    @secrets(sources=["vault.token", "env.FROM_ENV", "local.api-keys", {"type": "files", "id": "mounted",
             "options": {"path": "mounts"}}, {"type": "hashicorp_vault", "id": "api-keys", "options":
             {"vault_url": "URL", "vault_mount": "secret"}}])
    @step
    def start(self):
        import os
        view = current.secrets
        assert list(view) == ["vault.token", "env.FROM_ENV", "local.api-keys", "mounted", "api-keys"]
        assert view.token == os.environ["token"] == "example-token"
        assert view.FROM_ENV["KEY"] == os.environ["KEY"] == "example-env"
        assert view["local.api-keys"]["LOCAL_KEY"] == os.environ["LOCAL_KEY"] == "example-local"
        assert view.mounted == os.environ["mounted"] == "example-file"
        assert view["api-keys"].PORT == 8200
        assert os.environ["PORT"] == "8200"
        print("the key:", view["api-keys"]["API_KEY"])
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    ProvidersFlow()
"""


@pytest.mark.metaflow
def test_flow(run_flow: Any, bao: OpenBao, stack: None, tmp_path: Path):
    """`vault`, `env`, `local` and `files` are types beside Metaflow's own: by dot, or as dicts with settings."""
    (tmp_path / "mounts").mkdir()
    (tmp_path / "mounts" / "mounted").write_text("example-file")
    (tmp_path / "s.json").write_text('{"api-keys": {"LOCAL_KEY": "example-local"}}')
    variables = {**environment(bao), "FROM_ENV": '{"KEY": "example-env"}'}
    done = run_flow(FLOW.replace("URL", bao.url), {}, directory=tmp_path, **variables)
    assert done.returncode == 0, done.stdout
    assert "the key: [masked]" in done.stdout
    assert "example-" not in done.stdout


@pytest.mark.usefixtures("login")
def test_without_a_stack():
    """Without an entry in a stack, a type is asked with default settings: the backend's own variables."""
    assert start_step("vault.api-keys")["api-keys"]["API_KEY"] == os.environ["API_KEY"] == "example-vault"
    message = failure("vault.nothing")
    assert "in stack 'vault' (Metaflow's type 'vault')" in message
    assert "environment variable" not in message


@pytest.mark.usefixtures("login", "stack")
def test_entry_of_the_stack():
    """Without options, a type is the stack's own entries of that provider, and of no other."""
    assert start_step("vault.token", env=False)["token"] == "example-token"
    message = failure("vault.api-keys")
    assert "vault://secret/ml/api-keys" in message
    assert "local://" not in message


@pytest.mark.usefixtures("login", "stack")
def test_options(bao: OpenBao):
    """Options are the provider's settings instead, and `env_var_name`, as with Metaflow's own, names the variable."""
    options = {"vault_url": bao.url, "env_var_name": "MY_TOKEN"}
    view = start_step({"type": "vault", "id": "ml/token", "options": options})
    assert view["ml/token"] == os.environ["MY_TOKEN"] == "example-token"
    view = start_step({"type": "vault", "id": "api-keys", "options": {"vault_mount": "secret"}}, env=False)
    assert view["api-keys"].PORT == 8200


@pytest.mark.usefixtures("login")
def test_reference(monkeypatch: pytest.MonkeyPatch):
    """A reference leads to its backend whatever Metaflow's default type is, with the settings that there are for it."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "aws-secrets-manager")
    assert start_step("vault://secret/api-keys#API_KEY")["API_KEY"] == "example-vault"
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "somebodys")
    assert start_step("vault://secret/ml/token", env=False)["token"] == "example-token"


@pytest.mark.usefixtures("stack")
def test_settings_of_a_reference(monkeypatch: pytest.MonkeyPatch, bao: OpenBao):
    """Settings for a reference may be in a configuration file also where Metaflow's variables have chosen a cloud."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "aws-secrets-manager")
    monkeypatch.setenv("VAULT_TOKEN", bao.token)  # the address is in the file only
    assert start_step("vault://secret/ml/token", env=False)["token"] == "example-token"


@pytest.mark.usefixtures("login")
def test_for_everybody():
    """Whoever asks Metaflow for a provider of these types gets one that answers as upstream's: variables, all text."""
    assert {provider.TYPE for provider in SECRETS_PROVIDERS} >= {*_backend_types.OURS, "inline", "aws-secrets-manager"}
    content = get_secrets_backend_provider("vault").get_secret_as_dict("api-keys")
    assert content == {"API_KEY": "example-vault", "PORT": "8200"}
    options = {"vault_mount": "secret", "env_var_name": "TOKEN"}
    assert get_secrets_backend_provider("vault").get_secret_as_dict("ml/token", options) == {"TOKEN": "example-token"}
    with pytest.raises(MetaflowException, match="there is no secret 'nothing'"):
        get_secrets_backend_provider("vault").get_secret_as_dict("nothing")


class SomebodysVault(SecretsProvider):
    """A provider of another extension, under a name that is one of tacenda's."""

    TYPE = "vault"

    def get_secret_as_dict(self, secret_id: str, options: Any = None, role: Any = None) -> dict[str, str]:
        """Return a variable."""
        return {"THEIRS": f"example-{secret_id}-{json.dumps(options)}-{role}"}


def test_somebody_elses(monkeypatch: pytest.MonkeyPatch):
    """A type that another extension has registered is theirs, whole: options and role go to it as they are."""
    others = [provider for provider in SECRETS_PROVIDERS if provider.TYPE != "vault"]
    monkeypatch.setattr("metaflow.plugins.SECRETS_PROVIDERS", [*others, SomebodysVault])
    view = start_step({"type": "vault", "id": "x", "options": {"a": 1}, "role": "r"}, "vault.y", env=False, role="s")
    assert view["x"]["THEIRS"] == 'example-x-{"a": 1}-r'
    assert view["vault.y"]["THEIRS"] == "example-y-{}-s"
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "vault")
    assert start_step("a.dotted.name", env=False)["a.dotted.name"]["THEIRS"] == "example-a.dotted.name-{}-None"


EXTENSION = """
from metaflow.plugins.secrets import SecretsProvider
class Mine(SecretsProvider):
    TYPE = "local"
    def get_secret_as_dict(self, secret_id, options={}, role=None):
        return {"MINE": secret_id}
"""


def test_extension_of_somebody_else(tmp_path: Path):
    """An installed extension keeps its type of such a name, and Metaflow starts."""
    plugins = tmp_path / "theirs" / "metaflow_extensions" / "aaa" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mfextinit_aaa.py").write_text('SECRETS_PROVIDERS_DESC = [("local", ".mine.Mine")]')
    (plugins / "mine.py").write_text(EXTENSION)
    program = "from metaflow.plugins.secrets import get_secret; print(get_secret('local.x'))"
    path = os.pathsep.join(filter(None, [str(tmp_path / "theirs"), os.environ.get("PYTHONPATH")]))
    assert "{'MINE': 'x'}" in in_a_process(program, PYTHONPATH=path)
