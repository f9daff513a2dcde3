"""`@secrets` step by step, in this process: whose a source is, what becomes a variable, how it fails."""

from __future__ import annotations

import base64
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from metaflow import current, metaflow_config
from metaflow.exception import MetaflowException
from metaflow.metaflow_current import Current
from metaflow.plugins import STEP_DECORATORS
from metaflow.unbounded_foreach import UBF_TASK

import tacenda
from tacenda import errors, masking

DECORATOR = next(each for each in STEP_DECORATORS if each.name == "secrets")
STORED = {"api-keys": {"API_KEY": "example-value"}, "a.dotted.name": "example-dotted", "token": "example-token"}
INLINE = {"type": "inline", "id": "inline-keys", "options": {"env_vars": {"INLINE_KEY": "example-inline"}}}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each test has its own directory, environment and `current`, and leaves the output of pytest alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(masking, "install", lambda: None)  # in real flows: test_flows.py
    monkeypatch.setattr(Current, "secrets", Current.secrets)
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def stack(tmp_path: Path) -> None:
    """A tacenda configuration with one file."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}")
    (tmp_path / ".secrets.json").write_text(json.dumps(STORED))


def start_step(*sources: Any, retry_count: int = 0, ubf_context: str | None = None, **attributes: Any) -> Any:
    """Do what Metaflow does when a step with these sources starts, and return `current.secrets`."""
    decorator = DECORATOR(attributes={"sources": list(sources), **attributes})
    decorator.task_pre_step("start", None, None, "1", "1", None, None, retry_count, 0, ubf_context, None)
    return current.secrets


def failure(*sources: Any, **attributes: Any) -> str:
    """Return the message with which a step with these sources fails."""
    with pytest.raises(MetaflowException) as caught:
        start_step(*sources, **attributes)
    assert "example-" not in str(caught.value)
    return str(caught.value)


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


def test_default_backend(monkeypatch: pytest.MonkeyPatch):
    """With a default backend and no tacenda configuration, a plain name stays Metaflow's."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert start_step("api-keys") == {"api-keys": {}}


@pytest.mark.usefixtures("stack")
def test_configuration_before_default_backend(monkeypatch: pytest.MonkeyPatch):
    """A tacenda configuration goes before Metaflow's default backend."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert start_step("api-keys")["api-keys"] == {"API_KEY": "example-value"}


def test_stack_before_default_backend(monkeypatch: pytest.MonkeyPatch):
    """TACENDA_STACK, too, says that tacenda is meant, even where its stack is then not found."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    monkeypatch.setenv("TACENDA_STACK", "prod")
    assert "there is no stack 'prod'" in failure("api-keys")


@pytest.mark.usefixtures("stack")
def test_reference_before_default_backend(monkeypatch: pytest.MonkeyPatch):
    """A reference is tacenda's whatever Metaflow's default backend is."""
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", "inline")
    assert start_step("local://.secrets.json#token", env=False)


@pytest.mark.usefixtures("stack")
def test_type_of_metaflow():
    """`type.id` with a type that Metaflow knows is Metaflow's, with a tacenda configuration too."""
    assert start_step("inline.token") == {"token": {}}


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
        ({"id": "x"}, "No default secrets backend type configured"),
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


@pytest.mark.usefixtures("stack")
def test_same_name_twice():
    """Two sources of one name are an error, not a silent choice."""
    assert "two sources named 'token'" in failure("token", "token")


@pytest.mark.parametrize(
    ("variables", "clash"),
    [
        ({"a-b": "example-1", "a.b": "example-2"}, "a_b: from 'keys#a-b' and from 'keys#a.b'"),
        ({"PATH": "example-path"}, "PATH: from 'keys#PATH', and set already"),
        ({"METAFLOW_USER": "example-user"}, "disallowed env var name 'METAFLOW_USER'"),
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
