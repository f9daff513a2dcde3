"""A bundle is a read-only `dict` that answers to attributes."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tacenda import Secret, SecretBundle, SecretBytes
from tacenda._values import exact_text, leaves, natural, wrap
from tacenda.errors import SecretNotFound, Unsupported

KEYS = {"API_KEY": "example-key", "db-port": 5432, "a.b": None, "on": True, "ratio": 0.5}


@pytest.fixture
def bundle():
    return SecretBundle({**KEYS, "nested": {"inner": "example-inner"}, "list": ["example-item", 1]}, "api-keys")


def test_bundle_is_a_dict(bundle):
    """Libraries that ask for a `dict` get one."""
    assert isinstance(bundle, dict)
    assert dict(bundle) == bundle
    assert list(bundle)[:2] == ["API_KEY", "db-port"]
    assert ("API_KEY" in bundle, len(bundle), bundle.get("none")) == (True, 7, None)


def test_bundle_can_be_unpacked(bundle):
    """`connect(**db)` works."""

    def connect(**options):
        return options

    assert connect(**SecretBundle({"user": "example"})) == {"user": "example"}
    assert {**bundle}["API_KEY"] == "example-key"


def test_bundle_can_be_dumped_as_json(bundle, tmp_path):
    """`json.dump(service_account, file)` writes the real values (S1.63)."""
    with (tmp_path / "sa.json").open("w") as file:
        json.dump(bundle, file)
    assert json.loads((tmp_path / "sa.json").read_text()) == bundle


def test_types_inside_a_bundle(bundle):
    """Texts and nested objects are secret types, numbers, booleans and null stay what they are."""
    assert type(bundle["API_KEY"]) is Secret
    assert type(bundle["nested"]) is SecretBundle
    assert type(bundle["nested"]["inner"]) is Secret
    assert type(bundle["list"][0]) is Secret
    assert (bundle["db-port"], bundle["a.b"], bundle["on"], bundle["ratio"]) == (5432, None, True, 0.5)
    assert type(bundle["on"]) is bool
    assert type(wrap({"key": b"x"})["key"]) is SecretBytes


MUTATIONS = [
    lambda b: b.__setitem__("x", 1),
    lambda b: b.__delitem__("API_KEY"),
    lambda b: b.__ior__({"x": 1}),
    lambda b: setattr(b, "x", 1),
    lambda b: setattr(b, "_name", "x"),
    lambda b: delattr(b, "_name"),
    lambda b: b.clear(),
    lambda b: b.pop("API_KEY"),
    lambda b: b.popitem(),
    lambda b: b.setdefault("x", 1),
    lambda b: b.update(x=1),
]


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_bundle_is_read_only(bundle, mutate):
    """Nobody changes what others get from the cache."""
    before = dict(bundle)
    with pytest.raises(TypeError, match="SecretBundle is read-only"):
        mutate(bundle)
    assert dict(bundle) == before


def test_every_mutator_of_dict_is_covered():
    """A new method of a later Python that changes a dict would be seen here."""
    changing = {"__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update"}
    harmless = {"copy", "fromkeys", "get", "items", "keys", "values"}
    public = {name for name in dir(dict) if not name.startswith("__")}
    assert public <= changing | harmless
    assert all(name in vars(SecretBundle) for name in changing)


LIST_MUTATIONS = [
    lambda x: x.__setitem__(0, 1),
    lambda x: x.__delitem__(0),
    lambda x: x.__iadd__([1]),
    lambda x: x.__imul__(2),
    lambda x: x.append(1),
    lambda x: x.clear(),
    lambda x: x.extend([1]),
    lambda x: x.insert(0, 1),
    lambda x: x.pop(),
    lambda x: x.remove("example-item"),
    lambda x: x.reverse(),
    lambda x: x.sort(),
]


@pytest.mark.parametrize("mutate", LIST_MUTATIONS)
def test_list_in_a_bundle_is_read_only(bundle, mutate):
    """Arrays are shared with the cache as well."""
    with pytest.raises(TypeError, match="read-only"):
        mutate(bundle["list"])
    assert bundle["list"] == ["example-item", 1]


def test_a_copy_of_ones_own_can_be_changed(bundle):
    """`dict(bundle)` is the way to a dict that may be changed."""
    mine = dict(bundle)
    mine["x"] = 1
    assert "x" not in bundle


def test_missing_key_is_both_errors(bundle):
    """A missing key is SecretNotFound and KeyError, and names the keys there are."""
    with pytest.raises(SecretNotFound, match="api-keys has no key 'NOPE'") as caught:
        bundle["NOPE"]
    assert isinstance(caught.value, KeyError)
    assert "API_KEY" in caught.value.hint


def test_missing_key_of_a_nested_object_names_the_path(bundle):
    """The message says in which object the key is missing."""
    with pytest.raises(SecretNotFound, match="api-keys#nested has no key 'NOPE'"):
        bundle["nested"]["NOPE"]


def test_missing_key_of_an_empty_bundle():
    """Also a bundle without keys answers in words."""
    with pytest.raises(SecretNotFound, match="its keys are: none"):
        SecretBundle({})["x"]


def test_attributes_read_keys(bundle):
    """`-` and `.` are read as `_`; nested objects can be chained (S1.17)."""
    assert bundle.API_KEY == "example-key"
    assert bundle.db_port == 5432
    assert bundle.a_b is None
    assert bundle.nested.inner == "example-inner"


@pytest.mark.parametrize("name", ["api_key", "Api_Key", "nope", "_private"])
def test_unknown_attribute_is_an_attribute_error(bundle, name):
    """Case matters, and a miss is AttributeError, so that `hasattr` and `getattr(…, default)` work."""
    with pytest.raises(AttributeError, match="is none of the keys"):
        getattr(bundle, name)
    assert getattr(bundle, name, "default") == "default"


def test_ambiguous_attribute_is_an_error():
    """Two keys that one attribute could mean are an error that lists both."""
    with pytest.raises(AttributeError, match=r"'a_b' is ambiguous among the keys 'a-b', 'a\.b'"):
        SecretBundle({"a-b": 1, "a.b": 2}).a_b  # noqa: B018


def test_exact_key_wins_over_a_folded_one():
    """A key spelled exactly like the attribute is meant (claims, C5: exact first)."""
    assert SecretBundle({"a-b": 1, "a_b": 2}).a_b == 2


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "copy", "update", "pop"])
def test_names_of_dict_methods_mean_the_methods(name):
    """A key `items` never breaks code that iterates; it is reached by item."""
    bundle = SecretBundle({name: "example-value"})
    assert callable(getattr(bundle, name))
    assert bundle[name] == "example-value"


def test_dunder_attributes_are_pythons():
    """Protocol lookups such as `__array__` never reach the keys."""
    with pytest.raises(AttributeError):
        SecretBundle({"__array__": 1}).__array__  # noqa: B018


def test_an_unfinished_bundle_has_no_attributes():
    """Even a bundle made without its constructor answers, instead of recursing."""
    with pytest.raises(AttributeError):
        SecretBundle.__new__(SecretBundle).anything  # noqa: B018


@given(st.dictionaries(st.from_regex(r"[a-z]([-._a-z]{0,4}[a-z])?", fullmatch=True), st.integers(), max_size=6))
def test_attribute_rules_hold_for_any_keys(content):
    """For every key: its attribute gives its value, or says that it is ambiguous, or is a method of dict."""
    bundle = SecretBundle(content)
    for key, value in content.items():
        attribute = key.replace("-", "_").replace(".", "_")
        assume(not hasattr(dict, attribute))
        rivals = [k for k in content if k.replace("-", "_").replace(".", "_") == attribute]
        if attribute in content:
            assert getattr(bundle, attribute) == content[attribute]
        elif len(rivals) == 1:
            assert getattr(bundle, attribute) == value
        else:
            with pytest.raises(AttributeError, match="ambiguous"):
                getattr(bundle, attribute)


def test_exact_text_of_a_json_secret():
    """The stored text comes back byte for byte: spaces, order and newline (S0.54)."""
    text = '{"b": 1,   "a": 1.50}\n'
    assert exact_text(natural(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(Secret(" x "), " x "), (5432, "5432"), (True, "true"), (None, "null"), ([1, "é"], '[1, "é"]'), ({}, "{}")],
)
def test_exact_text_of_what_never_was_text(value, text):
    """Keys that a backend keeps apart have their JSON as text."""
    assert exact_text(wrap(value)) == text
    assert type(exact_text(wrap(value))) is Secret


def test_a_bundle_with_binary_keys_has_no_text():
    """Bytes are never decoded by guessing."""
    with pytest.raises(Unsupported, match="no text"):
        exact_text(SecretBundle({"key": b"\x00"}))


def test_leaves_are_what_masking_has_to_know():
    """Each text, binary and number with the key above it; booleans and null are no secrets."""
    value = {"a": "x", "b": {"c": ["y", 7, True, None]}, "d": b"z"}
    assert list(leaves(wrap(value))) == [("a", "x"), ("c", "y"), ("c", "7"), ("d", b"z")]
    assert list(leaves(Secret("whole"))) == [(None, "whole")]
