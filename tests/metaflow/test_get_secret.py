"""`metaflow.plugins.secrets.get_secret`: as ever where upstream has an answer, and tacenda's where it has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from metaflow import metaflow_config
from metaflow.exception import MetaflowException
from metaflow.plugins import secrets
from metaflow.plugins.secrets import get_secret, secrets_func
from steps import clean_step  # noqa: F401

from metaflow_extensions.tacenda.plugins.sources import _get_secret

pytestmark = pytest.mark.usefixtures("clean_step")

STORED = {"api-keys": {"API_KEY": "example-key", "PORT": 5432, "nested": {"a": 1}}, "my-token": "example-token"}
INLINE = {"type": "inline", "id": "x", "options": {"env_vars": {"A": "example-inline"}}}


@pytest.fixture(autouse=True)
def _stack(tmp_path: Path) -> None:
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: s.json}}}")
    (tmp_path / "s.json").write_text(json.dumps(STORED))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("api-keys", {"API_KEY": "example-key", "PORT": "5432", "nested": '{"a": 1}'}),
        ("my-token", {"my_token": "example-token"}),
        ("my-{namespace}", {"my_token": "example-token"}),
        ("local.my-token", {"my_token": "example-token"}),
        ("local://s.json#my-token", {"my_token": "example-token"}),
        ({"id": "my-token", "options": {"env_var_name": "TOKEN"}}, {"TOKEN": "example-token"}),
        ({"type": "local", "id": "my-token"}, {"my_token": "example-token"}),
    ],
)
def test_tacendas(monkeypatch: pytest.MonkeyPatch, source: Any, expected: dict[str, str]):
    """Names that upstream cannot answer, references and tacenda's types give a flat dict of text, as upstream's do."""
    monkeypatch.setattr("sys.argv", ["flow.py", "run", "--namespace", "token"])
    found = get_secret(source)
    assert found == expected
    assert type(found) is dict
    assert all(isinstance(value, str) for value in found.values())


def test_binary(tmp_path: Path):
    """Binary is base64, also under a key, as `@secrets` has it and as Metaflow's own providers do."""
    (tmp_path / "mounts" / "keys").mkdir(parents=True)
    (tmp_path / "mounts" / "keys" / "AES").write_bytes(b"\x00\xff")
    assert get_secret({"type": "files", "id": "keys", "options": {"path": "mounts"}}) == {"AES": "AP8="}


def test_upstreams(monkeypatch: pytest.MonkeyPatch):
    """What upstream answers is upstream's: its own types, and plain names where a default type is configured."""
    assert get_secret(INLINE) == {"A": "example-inline"}
    assert get_secret("inline.api-keys") == {}
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert get_secret("api-keys") == {}
    assert get_secret({"id": "api-keys"}, role="r") == {}
    assert get_secret("local://s.json#my-token") == {"my_token": "example-token"}


def test_chosen_stack(monkeypatch: pytest.MonkeyPatch):
    """As for @secrets, TACENDA_STACK goes before Metaflow's default type, and not before a type that is named."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    monkeypatch.setenv("TACENDA_STACK", "dev")
    assert get_secret("my-token") == {"my_token": "example-token"}
    assert get_secret("inline.my-token") == {}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (7, "must be either a string or a dict"),
        ({"type": "inline"}, "'id' must be a string"),
        ({"type": 7, "id": "x"}, "'type' must be a string"),
        ("nothing", "no secret 'nothing' in stack 'dev'"),
        ("nobody://x", "no backend 'nobody'"),
    ],
)
def test_refused(source: Any, message: str):
    """What nobody can answer is an error that says why."""
    with pytest.raises(MetaflowException, match=message):
        get_secret(source)


@pytest.mark.parametrize(
    ("kind", "text", "upstreams"),
    [
        ("aws-secrets-manager", "arn:aws:secretsmanager:eu-west-1:123456789:secret:api-keys-abc123", True),
        ("gcp-secret-manager", "arn:aws:secretsmanager:eu-west-1:123456789:secret:api-keys-abc123", False),
        ("gcp-secret-manager", "projects/123/secrets/api-keys", True),
        ("gcp-secret-manager", "projects/my-project/secrets/api-keys", False),
        ("az-key-vault", "https://myvault.vault.azure.net/secrets/api-keys", False),
        ("az-key-vault", "api-keys", True),
        ("az-key-vault", "az-key-vault.https://myvault.vault.azure.net/secrets/api-keys", True),
        ("nobodys", "api-keys", False),
    ],
)
def test_whose(monkeypatch: pytest.MonkeyPatch, kind: str, text: str, upstreams: bool):
    """A reference to another backend than the default, or in a form that upstream refuses, is tacenda's."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", kind)
    monkeypatch.setattr(_get_secret, "variables_of", lambda source, role: {"asked": "tacenda"})
    answering = _get_secret.answering_more(lambda source, role=None: {"asked": "upstream"})
    assert answering(text) == {"asked": "upstream" if upstreams else "tacenda"}


def test_everywhere():
    """The package's function and the module's are the same one, with upstream's signature."""
    assert secrets.get_secret is get_secret
    assert secrets_func.get_secret("my-token", None) == get_secret(source="my-token", role=None)


FLOW = """
from metaflow import FlowSpec, step
from metaflow.plugins.secrets import get_secret
class GetFlow(FlowSpec):
    @step
    def start(self):
        print("tacenda's:", get_secret("api-keys")["API_KEY"])
        inline = {"type": "inline", "id": "x", "options": {"env_vars": {"A": "example" + "-inline"}}}
        print("upstream's:", get_secret(inline)["A"])
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    GetFlow()
"""


@pytest.mark.metaflow
def test_flow(run_flow: Any, tmp_path: Path):
    """In a step that declares nothing, what get_secret() returns is masked, whoever has answered."""
    done = run_flow(FLOW, {}, directory=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "tacenda's: [masked]" in done.stdout
    assert "upstream's: [masked]" in done.stdout
