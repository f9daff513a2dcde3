"""`@secrets` step by step, in this process: whose a source is, what becomes a variable, how it fails."""

from __future__ import annotations

import base64
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from metaflow import metaflow_config
from metaflow.exception import MetaflowException
from metaflow.unbounded_foreach import UBF_TASK
from steps import DECORATOR, clean_step, failure, start_step  # noqa: F401

import tacenda
from metaflow_extensions.tacenda.plugins import secrets_decorator
from metaflow_extensions.tacenda.plugins.sources._spec import parse
from tacenda import errors, masking

STORED = {"api-keys": {"API_KEY": "example-value"}, "a.dotted.name": "example-dotted", "token": "example-token"}
INLINE = {"type": "inline", "id": "inline-keys", "options": {"env_vars": {"INLINE_KEY": "example-inline"}}}


pytestmark = pytest.mark.usefixtures("clean_step")


@pytest.fixture
def stack(tmp_path: Path) -> None:
    """A tacenda configuration with one file."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}")
    (tmp_path / ".secrets.json").write_text(json.dumps(STORED))


@pytest.mark.parametrize(
    ("source", "expected"),
    [("token", "example-token"), ("a.dotted.name", "example-dotted"), ("local://.secrets.json#token", "example-token")],
)
@pytest.mark.usefixtures("stack")
def test_tacendas(source: str, expected: str):
    """Names, names with dots that name no provider of Metaflow's, and references are tacenda's."""
    assert start_step(source)[source] == expected


def test_no_configuration(monkeypatch: pytest.MonkeyPatch):
    """Without any configuration, on either side, a name is looked up by tacenda's default: env, then files."""
    monkeypatch.setenv("STORED", '{"KEY": "example-value"}')
    assert start_step("stored")["stored"]["KEY"] == "example-value"


@pytest.mark.usefixtures("stack")
def test_reference_before_default_backend(monkeypatch: pytest.MonkeyPatch):
    """A reference is tacenda's whatever Metaflow's default backend is."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert start_step("local://.secrets.json#token", env=False)["token"] == "example-token"


@pytest.mark.usefixtures("stack")
def test_type_of_metaflow():
    """`type.id` with a type that Metaflow knows is Metaflow's, with a tacenda configuration too."""
    assert start_step("inline.token") == {"inline.token": {}}


def test_inline():
    """Metaflow's own provider injects as ever, is in current.secrets, and its values are known to the masker."""
    assert start_step(INLINE).inline_keys["INLINE_KEY"] == os.environ["INLINE_KEY"] == "example-inline"
    assert masking.registry().mask("it is example-inline") == "it is [masked]"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (7, "must be either a string or a dict"),
        ({"type": "inline"}, "'id' must be a string"),
        ({"type": "nobody", "id": "x"}, "Unknown secrets backend type nobody"),
        ({"id": "x"}, "no secret 'x' in stack 'dev'"),
        ({"id": "token", "options": {"json": False}}, "the options 'json' need a `type`"),
        ({"type": "local", "id": "token", "options": {"pfad": "x"}}, "`pfad` is not a setting"),
        ({"type": "vault", "id": "x", "options": {"token": "example-token"}}, "holds a credential"),
        ({"type": "local", "id": "token", "options": {"env_var_name": 7}}, "'env_var_name' must be a string"),
        ("nobody://secret/x", "no backend 'nobody'"),
        ("example-postgres://user:example-password@host/db", "looks like a value"),
        ("missing", "no secret 'missing'"),
    ],
)
@pytest.mark.usefixtures("stack")
def test_bad_sources(source: Any, message: str):
    """A source that means nothing is an error that says so and repeats no value."""
    assert message in failure(source)


def test_value_that_is_not_text():
    """A value that Metaflow refuses is refused without printing it, which Metaflow's own message does."""
    source = {**INLINE, "options": {"env_vars": {"NUMBER": 12345678, "TEXT": "example-text"}}}
    message = failure(source)
    assert "'NUMBER' (int)" in message
    assert "12345678" not in message


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["token", "token"], "two sources named 'token'"),
        (["token", {"id": "token"}], "two sources named 'token'"),
        (["local.token", {"type": "local", "id": "token"}], "are one secret, 'local.token' and 'token'"),
        (["to{namespace}", "token"], "are one secret, 'to{namespace}' and 'token'"),
    ],
)
@pytest.mark.usefixtures("stack")
def test_same_name_twice(monkeypatch: pytest.MonkeyPatch, sources: list[Any], message: str):
    """Two sources of one name, or that are one secret, are an error that says so, not a silent choice."""
    monkeypatch.setattr("sys.argv", ["flow.py", "run", "--namespace", "ken"])
    assert message in failure(*sources)


def test_same_id_of_metaflows_own():
    """Two of Metaflow's own with one `id`, which it allows, inject as ever, and are told apart by number."""
    other = {**INLINE, "options": {"env_vars": {"OTHER_KEY": "example-other"}}}
    view = start_step(INLINE, other)
    assert list(view) == ["inline-keys (1)", "inline-keys (2)"]
    assert (os.environ["INLINE_KEY"], os.environ["OTHER_KEY"]) == ("example-inline", "example-other")


@pytest.mark.usefixtures("stack")
def test_one_reason(tmp_path: Path):
    """What keeps all sources from being read, such as a broken file, is said once."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: broken.json}}}")
    (tmp_path / "broken.json").write_text("{")
    assert failure("one", "two").count("broken.json") == 1


def test_failures_of_all_stacks():
    """What could not be read is in one error, from whatever stack."""
    message = failure("nothing", "vault://secret/x", {"type": "local", "id": "nowhere", "options": {"path": "n.json"}})
    assert "no secret 'nothing'" in message
    assert "nowhere" in message


@pytest.mark.usefixtures("stack")
def test_one_call(monkeypatch: pytest.MonkeyPatch):
    """All names in one stack are asked for in one call, in which a backend can batch."""
    calls: list[list[str]] = []
    get_many = tacenda.SecretStore.get_many
    monkeypatch.setattr(
        tacenda.SecretStore, "get_many", lambda self, names: calls.append(list(names)) or get_many(self, names)
    )
    start_step("token", "api-keys", "local.a.dotted.name", INLINE, "local://.secrets.json#token", env=False)
    assert calls == [["token", "api-keys", "a.dotted.name", "local://.secrets.json#token"]]


@pytest.mark.usefixtures("stack")
def test_a_lone_source():
    """`sources="api-keys"`, without a list, is that source."""
    decorator = DECORATOR(attributes={"sources": "api-keys"})
    decorator.task_pre_step("start", *[None] * 5, None, 0, 0, None, None)
    assert os.environ["API_KEY"] == "example-value"


@pytest.mark.parametrize(
    ("variables", "clash"),
    [
        ({"a-b": "example-1", "a.b": "example-2"}, "a_b: from 'keys#a-b' and from 'keys#a.b'"),
        ({"PATH": "example-path"}, "PATH: from 'keys#PATH', and set already"),
        ({"METAFLOW_USER": "example-user"}, "METAFLOW_USER: from 'keys#METAFLOW_USER', and Metaflow's own"),
        ({"1st": "example-first"}, "'1st'"),
    ],
)
def test_refused_variables(variables: dict[str, str], clash: str):
    """Keys that meet in one variable, variables that exist or are Metaflow's, and illegal names are errors."""
    before = dict(os.environ)
    with tacenda.testing.override({"keys": variables}):
        assert clash in failure("keys")
        assert os.environ == before


def test_allow_override():
    """allow_override=True replaces variables that exist, as ever."""
    os.environ["API_KEY"] = "example-before"
    with tacenda.testing.override({"keys": {"API_KEY": "example-after"}}):
        start_step("keys", allow_override=True)
    assert os.environ["API_KEY"] == "example-after"


def test_binary():
    """A binary secret is bytes in current.secrets, and base64 in the environment (S1.4)."""
    content = bytes(range(32))
    with tacenda.testing.override({"AES_KEY": content}):
        read = start_step("AES_KEY")["AES_KEY"]
    assert read == content
    assert base64.b64decode(os.environ["AES_KEY"]) == content


def test_worker_of_parallel_step():
    """A local worker of a @parallel step has the control task's variables already: they are no clash."""
    os.environ["API_KEY"] = "example-value"
    with tacenda.testing.override({"keys": {"API_KEY": "example-value"}}):
        assert start_step("keys", ubf_context=UBF_TASK)["keys"]["API_KEY"] == "example-value"


def test_fallback_of_catch():
    """When @catch stands in for a step that crashed, nothing is fetched: the step's own code does not run."""
    with pytest.raises(AttributeError, match="decorate the step with @secrets"):
        start_step("missing", retry_count=1)


@pytest.mark.usefixtures("stack")
def test_pickle():
    """current.secrets and everything in it refuse to be pickled."""
    view = start_step("api-keys", "token")
    for secret in (view, view.api_keys, view.api_keys.API_KEY, view.token):
        with pytest.raises(errors.SecretLeak):
            pickle.dumps(secret)


def _no_core() -> None:
    raise MetaflowException("no core")


def test_without_core(monkeypatch: pytest.MonkeyPatch):
    """Where tacenda's core is missing, Metaflow's own sources work as ever, functions and `{namespace}` among them."""
    monkeypatch.setattr(secrets_decorator, "core", _no_core)
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    monkeypatch.setattr("sys.argv", ["flow.py", "run", "--namespace", "ken"])
    asked: list[str] = []
    monkeypatch.setattr(
        "metaflow.plugins.secrets.inline_secrets_provider.InlineSecretsProvider.get_secret_as_dict",
        lambda self, name, options, role: asked.append(name) or {},
    )
    decorator = DECORATOR(attributes={"sources": [INLINE, "inline.x", "plain", lambda: "to{namespace}"]})
    decorator.task_pre_step("start", *[None] * 6, 0, 0, None, None)
    assert asked == ["inline-keys", "x", "plain", "token"]


@pytest.mark.parametrize("source", ["vault://secret/x", "local.x", "a.dotted.name", {"type": "vault", "id": "x"}])
def test_tacendas_without_core(monkeypatch: pytest.MonkeyPatch, source: Any):
    """What only tacenda can read says then that it is missing."""
    monkeypatch.setattr(secrets_decorator, "core", _no_core)
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert failure(source) == "no core"


def test_role_of_an_arn(monkeypatch: pytest.MonkeyPatch):
    """An ARN is asked with the configured role also where the stack in force has nothing of AWS."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_ROLE", "arn:aws:iam::123456789:role/Reader")
    arn = "arn:aws:secretsmanager:eu-west-1:123456789:secret:a.dotted.name-abc123"
    [spec] = parse([arn])
    assert spec.stack is not None
    assert [(entry.provider, dict(entry.settings)) for entry in spec.stack.entries] == [
        ("aws_secretsmanager", {"role_arn": "arn:aws:iam::123456789:role/Reader"})
    ]
    assert (spec.name, spec.metaflows, spec.stack.source) == (arn, None, "Metaflow's settings")


def test_id_of_somebody_else(monkeypatch: pytest.MonkeyPatch):
    """An id that looks like a reference to a backend that tacenda has not is for the default provider, as ever."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "somebodys")
    [theirs, ours] = parse(["op://vault/item/field", "vault://secret/x"])
    assert theirs.metaflows is not None
    assert (theirs.metaflows.secrets_backend_type, theirs.metaflows.secret_id) == ("somebodys", "op://vault/item/field")
    assert ours.metaflows is None


@pytest.mark.parametrize("kind", ["aws", "azure", "gcp"])
def test_clients_of_somebody_else(monkeypatch: pytest.MonkeyPatch, kind: str):
    """A cloud's own form stays with Metaflow's provider where somebody else makes the clients for it."""
    types = {"aws": "aws-secrets-manager", "azure": "az-key-vault", "gcp": "gcp-secret-manager"}
    forms = {
        "aws": "arn:aws:secretsmanager:eu-west-1:123456789:secret:a.dotted.name-abc123",
        "azure": "https://myvault.vault.azure.net/secrets/api-keys",
        "gcp": "projects/123/secrets/api-keys",
    }
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", types[kind])
    monkeypatch.setattr(metaflow_config, f"DEFAULT_{kind.upper()}_CLIENT_PROVIDER", "ours")
    [form, name] = parse([forms[kind], "a.dotted.name"], role="r")
    assert form.metaflows is not None
    assert name.metaflows is not None
    assert form.metaflows.to_json() == {
        "secrets_backend_type": types[kind],
        "secret_id": forms[kind],
        "options": {},
        "role": "r",
    }
    assert name.metaflows.secret_id == "a.dotted.name"


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ({"api_keys": '{"A": {"b": 1}}'}, {}, {"A": {"b": 1}}),
        ({"api_keys": "example-text"}, {}, "example-text"),
        ({"A": "example-1", "B": "example-2"}, {"json": True}, {"A": "example-1", "B": "example-2"}),
        ({"A": "example-1"}, {"json": True}, {"A": "example-1"}),
    ],
)
def test_view_of_metaflows_own(monkeypatch: pytest.MonkeyPatch, content: Any, options: Any, expected: Any):
    """What Metaflow's own provider for GCP gives in one variable is that secret in current.secrets, JSON with keys."""
    monkeypatch.setattr(
        "metaflow.plugins.gcp.gcp_secret_manager_secrets_provider.GcpSecretManagerSecretsProvider.get_secret_as_dict",
        lambda self, name, options, role: content,
    )
    view = start_step({"type": "gcp-secret-manager", "id": "projects/123/secrets/api-keys", "options": options})
    assert view["api-keys"] == expected
    assert {name: os.environ[name] for name in content} == content
