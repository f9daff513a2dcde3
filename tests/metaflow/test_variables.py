"""The environment variables of a step's secrets: their names, and one error for everything in the way."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from metaflow.plugins.secrets.utils import validate_env_vars

from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.step._variables import inject
from tacenda._values import natural, wrap
from tacenda.errors import Conflict, InvalidReference

NOTES = ("TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN")
ARN = "arn:aws:secretsmanager:us-east-1:123456789:secret:my-token-abc123"


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    with mock.patch.dict(os.environ, {"EXISTING": "example-existing"}, clear=True):
        yield


def injected(*fetched: Fetched, **settings: Any) -> dict[str, str]:
    """Return the variables that these secrets set, without the notes of their names."""
    before = dict(os.environ)
    inject(fetched, **{"allow_override": False, **settings})
    noted, _ = [set(filter(None, os.environ.pop(note, "").split(","))) for note in NOTES]
    changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
    assert noted == changed.keys()
    return changed


def refusal(*fetched: Fetched, **settings: Any) -> str:
    """Return the error of these secrets, of which none is set."""
    before = dict(os.environ)
    with pytest.raises((Conflict, InvalidReference)) as caught:
        inject(fetched, **{"allow_override": False, **settings})
    assert dict(os.environ) == before
    assert "example" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "value", "variables"),
    [
        ("api-keys", '{"API_KEY": "example", "client-id": "x"}', {"API_KEY": "example", "client_id": "x"}),
        ("db", '{"PORT": 5432, "on": true, "o": {"k": "\u00e9"}}', {"PORT": "5432", "on": "true", "o": '{"k": "é"}'}),
        ("my-token", "example", {"my_token": "example"}),
        ("ml/my.token", "example", {"ml_my_token": "example"}),
        ("db#PASSWORD", "example", {"PASSWORD": "example"}),
        (ARN, "example", {"my_token": "example"}),
        (ARN.replace(":my-", ":ml/my-"), "example", {"ml_my_token": "example"}),
        ("https://v.vault.azure.net/secrets/my-token/abc123", "example", {"my_token": "example"}),
        ("projects/p/secrets/my-token/versions/2", "example", {"my_token": "example"}),
        ("vault://secret/ml/my-token", "example", {"my_token": "example"}),
        ("vault://secret/db#PASSWORD", "example", {"PASSWORD": "example"}),
        ("vault://secret/db", '{"PASSWORD": " exact \\n"}', {"PASSWORD": " exact \n"}),
        ("empty", "{}", {}),
    ],
)
def test_names(source, value, variables):
    """Keys are the variables, a text is under its short name, each spelled as Metaflow spells it."""
    assert injected(Fetched(source, natural(value, source))) == variables


def test_binary():
    """Binary is base64, as from Metaflow's own providers, also inside a bundle (S1.4)."""
    content = bytes(range(32))
    bundle = wrap({"key": content, "deep": {"key": content}})
    variables = injected(Fetched("AES_KEY", wrap(content)), Fetched("keys", bundle))
    assert base64.b64decode(variables["AES_KEY"]) == base64.b64decode(variables["key"]) == content
    assert json.loads(variables["deep"]) == {"key": base64.b64encode(content).decode()}


def test_given_variables():
    """Variables that Metaflow's own provider would make are used as they are, whatever the value is."""
    fetched = Fetched("api-keys", natural('{"API_KEY": "example", "n": {"a": 1}}'), {"api_keys": '{"API_KEY": …}'})
    assert injected(fetched) == {"api_keys": '{"API_KEY": …}'}
    assert injected(Fetched("nothing", natural('{"A": "example"}'), {})) == {}


@pytest.mark.parametrize(
    ("fetched", "variables"),
    [
        (Fetched("keys", natural('{"API_KEY": "example"}')), {"PROD_API_KEY": "example"}),
        (Fetched("my-token", natural("example")), {"PROD_my_token": "example"}),
        (Fetched("keys", natural("{}"), {"api_keys": "example"}), {"PROD_api_keys": "example"}),
        (Fetched("keys", natural('{"1st": "example"}')), {"PROD_1st": "example"}),
        (Fetched("keys", natural('{"METAFLOW_USER": "example"}')), {"PROD_METAFLOW_USER": "example"}),
        (Fetched("keys", natural('{"EXISTING": "example"}')), {"PROD_EXISTING": "example"}),
    ],
)
def test_prefix(fetched, variables):
    """`prefix="PROD_"` is before every name, and takes a name out of the way of others."""
    assert injected(fetched, prefix="PROD_") == variables
    validate_env_vars(variables)


@pytest.mark.parametrize("prefix", [None, ""])
def test_no_prefix(prefix):
    """Without a prefix names are as ever."""
    assert injected(Fetched("keys", natural('{"API_KEY": "example"}')), prefix=prefix) == {"API_KEY": "example"}


@pytest.mark.parametrize("prefix", ["prod-", "1_", " ", "PROD=", 7, True])
def test_prefix_that_is_none(prefix):
    """A prefix that no variable can begin with is refused before anything is set."""
    message = refusal(Fetched("keys", natural('{"API_KEY": "x"}')), prefix=prefix)
    assert message.startswith(f"prefix={prefix!r} is no beginning of a variable")


def test_all_that_is_in_the_way():
    """One error lists clashes among secrets, within one, with the environment, Metaflow's names and illegal ones."""
    message = refusal(
        Fetched("keys", natural('{"USER": "example-1", "a-b": "example-2", "a.b": "example-3", "1st": "example-4"}')),
        Fetched("other", natural('{"USER": "example-5", "EXISTING": "example-6", "METAFLOW_X": "example-7"}')),
        Fetched("USER", natural("example-8")),
        Fetched("given", natural("example-9"), {"a_b": "example-9"}),
    )
    assert message == (
        "these variables cannot be set: a_b: from 'keys#a-b' and from 'keys#a.b'; '1st': from 'keys#1st', and no legal "
        "name; USER: from 'keys#USER' and from 'other#USER'; EXISTING: from 'other#EXISTING', and set already; "
        "METAFLOW_X: from 'other#METAFLOW_X', and Metaflow's own; USER: from 'keys#USER' and from 'USER'; "
        "a_b: from 'keys#a-b' and from 'given#a_b'\n"
        "  next: set a prefix=, rename a key, unset the variable or replace it with allow_override=True"
    )


def test_clashes_after_the_prefix():
    """What counts is the whole name: with the environment, and with what is Metaflow's own."""
    os.environ["PROD_KEY"] = "set"
    message = refusal(Fetched("keys", natural('{"KEY": "x"}')), prefix="PROD_")
    assert "PROD_KEY: from 'keys#KEY', and set already" in message
    for prefix, key in (("METAFLOW_", "USER"), ("META", "FLOW_USER")):
        message = refusal(Fetched("keys", natural(json.dumps({key: "x"}))), prefix=prefix)
        assert f"METAFLOW_USER: from 'keys#{key}', and Metaflow's own" in message


def test_allow_override():
    """allow_override=True, as ever, replaces what is set already, and nothing else."""
    fetched = Fetched("keys", natural('{"EXISTING": "example-new"}'))
    assert injected(fetched, allow_override=True) == {"EXISTING": "example-new"}
    assert "from 'keys#EXISTING' and from 'other#EXISTING'" in refusal(
        fetched, Fetched("other", natural('{"EXISTING": "x"}')), allow_override=True
    )
    assert "Metaflow's own" in refusal(Fetched("keys", natural('{"METAFLOW_X": "x"}')), allow_override=True)


@pytest.mark.parametrize("note", NOTES)
def test_tacendas_own(note):
    """A note of what was injected is no variable of a secret; with a prefix the key is one as others."""
    fetched = Fetched("keys", natural(f'{{"A": "x", "{note}": "example"}}'))
    for override in (False, True):
        message = refusal(fetched, allow_override=override)
        assert f"{note}: from 'keys#{note}', and tacenda's own" in message
    assert sorted(injected(fetched, prefix="X_")) == ["X_A", f"X_{note}"]


def test_all_are_set():
    """Two values that a message would call the same are two variables."""
    fetched = Fetched("keys", natural('{"A#B": "example-1"}')), Fetched("keys#A", natural('{"B": "example-2"}'))
    assert injected(*fetched) == {"A_B": "example-1", "B": "example-2"}


def test_no_characters():
    """Text that no environment can hold is refused by name, before anything is set; no exception has it."""
    fetched = Fetched("keys", natural('{"A": "x", "B": "example-\\ud83d"}'))
    with pytest.raises(InvalidReference, match="'B' of 'keys#B' holds a character that utf-8 cannot encode") as caught:
        inject([fetched], allow_override=False)
    assert caught.value.__context__ is None
    assert "A" not in os.environ


def test_nul():
    """A value that no environment can hold is refused by name, before anything is set."""
    fetched = Fetched("keys", natural('{"A": "x", "B": "example-\\u0000"}'))
    assert "'B' of 'keys#B' holds a NUL" in refusal(fetched)
    assert "holds a NUL" in refusal(Fetched("keys", wrap({}), {"A": "x", "B": "example-\x00"}))
