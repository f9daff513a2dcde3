"""Secrets as environment variables: which ones, when they clash, and a note of what was set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tacenda
from tacenda import Secret, SecretBundle
from tacenda.delivery import child_environment, inject, merge_variables, variables
from tacenda.delivery._env import short_name
from tacenda.errors import Conflict, InvalidReference


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("db", {"HOST": "localhost", "PORT": 5432}, {"HOST": "localhost", "PORT": "5432"}),
        ("db", {"api-key": "example", "a.b": "x"}, {"API_KEY": "example", "A_B": "x"}),
        ("db", {"lower": "example"}, {"lower": "example"}),
        ("db", {"n": None, "t": True, "o": {"k": "é"}}, {"n": "null", "t": "true", "o": '{"k": "é"}'}),
        ("my-token", "example", {"MY_TOKEN": "example"}),
        ("token", "example", {"TOKEN": "example"}),
        ("DB_PASSWORD", " exact \n", {"DB_PASSWORD": " exact \n"}),
        ("vault://secret/ml/api-key", "example", {"API_KEY": "example"}),
        ("vault://secret/ml?version=2#db-password", "example", {"DB_PASSWORD": "example"}),
        ("db#PASSWORD", "example", {"PASSWORD": "example"}),
        ("db#password", "example", {"password": "example"}),
        ("empty", {}, {}),
    ],
)
def test_variables(name, value, expected):
    """A bundle's keys are the variables; a text is one variable named after the secret."""
    assert variables(name, value) == expected
    assert variables(name, tacenda._values.wrap(value)) == expected


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("ml/api-keys", "api-keys"),
        ("api-keys", "api-keys"),
        ("vault://secret/ml/api-keys", "api-keys"),
        ("arn:aws:secretsmanager:us-east-1:123456789:secret:ml/api-keys", "api-keys"),
        ("arn:aws:secretsmanager:us-east-1:123456789:secret:token", "token"),
        ("https://v.vault.azure.net/secrets/api-keys/abc123", "api-keys"),
        ("projects/p/secrets/api-keys/versions/2", "api-keys"),
        ("projects/p/secrets/api-keys#KEY", "KEY"),
        ("vault://secret/a%2Fb", "a/b"),
    ],
)
def test_short_name(name, short):
    """What a person would call it, for every form of a reference."""
    assert short_name(name) == short


def test_values_are_plain_text():
    """What goes into an environment is exactly `str`."""
    assert {type(text) for text in variables("x", SecretBundle({"A": "example", "B": 1})).values()} == {str}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"K": b"\x00"}, "'K' of 'x' is binary"),
        ({"K": "a\x00b"}, "'K' of 'x' holds a NUL"),
        ({"K": "example \ud83d"}, "'K' of 'x' holds a character that utf-8 cannot encode"),
    ],
)
def test_what_no_variable_can_hold(value, message):
    """It is refused by name, without the value, which is not in an exception behind that either."""
    with pytest.raises(InvalidReference, match=message) as caught:
        variables("x", value)
    assert caught.value.__context__ is None


def test_undecodable_value():
    """What Python could not decode of a variable goes back as the bytes that it was."""
    assert variables("x", {"K": "caf\udce9"}) == {"K": "caf\udce9"}


def test_name_without_a_legal_spelling():
    """A key that begins with a digit is no variable, and says so."""
    with pytest.raises(InvalidReference, match="'1key' has no legal spelling"):
        variables("x", {"1key": "example"})


def test_two_keys_of_one_bundle_that_meet():
    """Nothing is lost in silence when two keys mean one variable."""
    with pytest.raises(Conflict, match="API_KEY: from the keys 'api-key' and 'API_KEY' of 'x'"):
        variables("x", {"api-key": "example-1", "API_KEY": "example-2"})


def test_one_error_lists_every_clash():
    """Among the secrets, and with what is set already (checklist 22)."""
    secrets = {"a": {"USER": "example-1", "HOST": "x"}, "b": {"USER": "example-2", "PATH": "y"}, "user": "example-3"}
    with pytest.raises(Conflict) as caught:
        merge_variables(secrets, {"PATH": "/bin"})
    text = str(caught.value)
    assert text.count("USER: from 'a' and from") == 2
    assert "PATH: from 'b', and set already" in text
    assert "HOST" not in text
    assert "example-" not in text
    assert "/bin" not in text


def test_set_already_may_be_replaced():
    """Without `taken` nothing of the environment is in the way."""
    assert merge_variables({"a": {"PATH": "x"}}) == {"PATH": "x"}


def test_inject_sets_and_notes(monkeypatch):
    """The note holds names only, and grows with each injection."""
    for name in ("EXAMPLE_A", "EXAMPLE_B", "TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN"):
        monkeypatch.setenv(name, "")
    inject({"EXAMPLE_B": "example-b"})
    inject({"EXAMPLE_A": "example-a"})
    assert (os.environ["EXAMPLE_A"], os.environ["EXAMPLE_B"]) == ("example-a", "example-b")
    assert os.environ["TACENDA_INJECTED"] == "EXAMPLE_A,EXAMPLE_B"


def test_injected_note_of_plain_values(monkeypatch, empty_registry):
    """A second note has what is no secret, for processes that know only the variables; an injection renews it."""
    for name in ("EXAMPLE_HOST", "EXAMPLE_TOKEN", "TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN"):
        monkeypatch.setenv(name, "")
    empty_registry.add("example-token-4711")
    inject({"EXAMPLE_HOST": "db.example", "EXAMPLE_TOKEN": "db.example"})
    assert os.environ["TACENDA_INJECTED_PLAIN"] == "EXAMPLE_HOST,EXAMPLE_TOKEN"
    inject({"EXAMPLE_TOKEN": "Bearer example-token-4711"})
    assert os.environ["TACENDA_INJECTED_PLAIN"] == "EXAMPLE_HOST"


def test_injected_variables_are_never_read_back(monkeypatch):
    """What tacenda put there is no secret of the `env` provider, in this process and in children."""
    monkeypatch.setenv("EXAMPLE_A", "mine")
    for name in ("TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN"):
        monkeypatch.setenv(name, "")
    store = tacenda.open_store(config={"stacks": {"dev": {"secrets": "env", "cache_ttl": 0}}})
    assert store.get("EXAMPLE_A") == "mine"
    inject({"EXAMPLE_A": "example-a"})
    assert store.get("EXAMPLE_A", default=None) is None


def test_child_environment(monkeypatch):
    """The child has this environment, the variables and the note; this process is left alone."""
    monkeypatch.setenv("TACENDA_INJECTED", "EARLIER")
    environment = child_environment({"EXAMPLE_C": "example-c"})
    assert environment["EXAMPLE_C"] == "example-c"
    assert environment["TACENDA_INJECTED"] == "EARLIER,EXAMPLE_C"
    assert environment["PATH"] == os.environ["PATH"]
    assert "EXAMPLE_C" not in os.environ
    code = "import os; print(os.environ['EXAMPLE_C'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "example-c\n"


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,6}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    )
)
def test_legal_keys_and_texts_are_unchanged(content):
    """Values are exact: nothing is stripped or quoted."""
    assert variables("x", {k: Secret(v) for k, v in content.items()}) == content
