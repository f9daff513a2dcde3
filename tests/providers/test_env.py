"""The provider `env`: exact variables, the generic spelling, keys, and what must not be read or listed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tacenda import open_store
from tacenda._reference import parse_reference
from tacenda.errors import SecretNotFound, Unsupported
from tacenda.providers.env import EnvProvider


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment without any variable that a test could mistake for its own."""
    for name in list(os.environ):
        if name.startswith(("EXAMPLE", "example", "TACENDA_INJECTED")):
            monkeypatch.delenv(name)


def provider(**settings: str) -> EnvProvider:
    return EnvProvider(settings, Path())


def spellings(name: str, key: str | None = None, **settings: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(place.path, place.keys) for place in provider(**settings).places(name, key)]


def test_exact_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is read by its exact name (S0.17)."""
    monkeypatch.setenv("EXAMPLE_KEY", "example-value")
    assert provider().read("EXAMPLE_KEY").value == "example-value"


def test_the_exact_variable_comes_before_the_generic_spelling() -> None:
    """`my-key` is the variable `my-key` first, then `MY_KEY`."""
    assert spellings("example-key") == [("example-key", ()), ("EXAMPLE_KEY", ())]


def test_a_name_that_is_generic_already_is_asked_for_once() -> None:
    """A miss costs one look, not two, where both spellings are the same."""
    assert spellings("EXAMPLE_KEY") == [("EXAMPLE_KEY", ())]


def test_a_key_is_a_variable_of_its_own_or_a_key_of_json() -> None:
    """`get("db", "password")` is `DB_PASSWORD`, then the key `password` of the JSON object in `DB`."""
    assert spellings("db", "password") == [
        ("db_password", ()),
        ("DB_PASSWORD", ()),
        ("db", ("password",)),
        ("DB", ("password",)),
    ]


def test_prefix_goes_before_every_spelling() -> None:
    """With `prefix`, names are looked for under it, and nowhere else."""
    assert spellings("api-key", prefix="EXAMPLE_") == [("EXAMPLE_api-key", ()), ("EXAMPLE_API_KEY", ())]


def test_a_prefix_in_lower_case_reaches_conventional_variables_too() -> None:
    """The generic spelling is upper case as a whole, as people write variables."""
    assert spellings("token", prefix="example_")[-1] == ("EXAMPLE_TOKEN", ())


def test_a_name_without_a_generic_spelling_is_only_looked_up_exactly() -> None:
    """A name that no variable can have is a miss, so that the chain goes on to the next provider."""
    assert spellings("1st") == [("1st", ())]
    with pytest.raises(SecretNotFound):
        provider().read("1st")


@pytest.mark.parametrize("value", ["", " padded ", "line\n", "käse ☃", '{"a": 1}', "a=b#c", "\t"])
def test_values_are_exact(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Nothing is stripped or interpreted, and an empty variable is an empty secret, not a missing one."""
    monkeypatch.setenv("EXAMPLE_VALUE", value)
    assert provider().read("EXAMPLE_VALUE").value == value


def test_bytes_that_are_no_text_stay_bytes() -> None:
    """A variable with arbitrary bytes arrives as these bytes, not as text that nothing can encode."""
    os.environb[b"EXAMPLE_RAW"] = b"\xff\xfe"
    try:
        assert provider().read("EXAMPLE_RAW").value == b"\xff\xfe"
    finally:
        del os.environb[b"EXAMPLE_RAW"]


def test_escaped_names_are_unescaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with characters that a reference has to escape is found."""
    monkeypatch.setenv("EXAMPLE #1", "example-value")
    (place,) = provider().places("EXAMPLE #1")[:1]
    assert place.path == "EXAMPLE%20%231"
    assert provider().read(place.path).value == "example-value"


def test_a_reference_ignores_the_prefix() -> None:
    """`env://NAME` is exactly that variable, whatever the stack says."""
    reference = parse_reference("env://EXAMPLE_KEY#a")
    assert reference is not None
    assert provider(prefix="OTHER_").place_of(reference) == ("EXAMPLE_KEY", ("a",))


def test_missing() -> None:
    """A missing variable is named in the error."""
    with pytest.raises(SecretNotFound, match="'EXAMPLE_NONE' is not set"):
        provider().read("EXAMPLE_NONE")


def test_injected_variables_are_not_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tacenda put into the environment is no source: a rotated secret must not stay what it was."""
    monkeypatch.setenv("EXAMPLE_OWN", "example-value")
    monkeypatch.setenv("TACENDA_INJECTED", "OTHER,EXAMPLE_OWN")
    with pytest.raises(SecretNotFound, match="set by tacenda"):
        provider().read("EXAMPLE_OWN")
    assert list(provider().list("EXAMPLE_")) == []


def test_list_needs_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is not spilled: without a prefix, listing is refused with the way out (S0.60)."""
    monkeypatch.setenv("EXAMPLE_KEY", "example-value")
    with pytest.raises(Unsupported) as failure:
        provider().list("")
    assert "without a prefix" in str(failure.value)
    assert "set `prefix`" in str(failure.value)
    assert "EXAMPLE_KEY" not in str(failure.value)


def test_list_with_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a prefix, the variables that start with it are listed, by name and nothing more."""
    monkeypatch.setenv("EXAMPLE_B", "2")
    monkeypatch.setenv("EXAMPLE_A", "1")
    assert [info.name for info in provider().list("EXAMPLE_")] == ["EXAMPLE_A", "EXAMPLE_B"]


@pytest.mark.parametrize(
    ("what", "arguments"),
    [("write", ("A", "example")), ("modify", ("A", lambda old: "example")), ("delete", ("A",)), ("read", ("A", "2"))],
)
def test_what_it_cannot_do(what: str, arguments: tuple[Any, ...]) -> None:
    """The environment is read-only and has no versions: both are said, never ignored (S0.56)."""
    with pytest.raises(Unsupported, match="the environment cannot"):
        getattr(provider(), what)(*arguments)


def test_describe() -> None:
    """Messages tell which variables were meant."""
    assert provider().describe() == "the environment"
    assert provider(prefix="EXAMPLE_").describe() == "the environment (variables EXAMPLE_*)"


@pytest.mark.parametrize("name", ["é", "ключ", "--", "."])
def test_a_name_without_letters_is_no_variable(store_on_env, monkeypatch, name):
    """A name that would fold to underscores alone does not read the shell's own `_`."""
    monkeypatch.setenv("_", "example-command")
    monkeypatch.setenv("__", "example-command")
    monkeypatch.setenv("____", "example-command")
    assert store_on_env.get(name, default=None) is None


@pytest.fixture
def store_on_env():
    return open_store(config={"stacks": {"dev": {"secrets": "env"}}})
