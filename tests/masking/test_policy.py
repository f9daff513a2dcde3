"""What is masked and what is not: HOST and PORT, short values and common words stay readable."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tacenda
from tacenda.masking import NON_SECRET_KEYS, Masker, is_secret_key, registry
from tacenda.masking._policy import COMMON, MIN_LENGTH, why_not_masked
from tacenda.testing import override


@pytest.mark.parametrize("key", ["HOST", "port", "Database", "USER", "REGION", "type", "project_id", "client_email"])
def test_keys_that_hold_no_secret(key):
    """The documented ones, in any case."""
    assert not is_secret_key(key)


@pytest.mark.parametrize("key", ["PASSWORD", "API_KEY", "private_key", "token", "HOST_KEY", "value", ""])
def test_every_other_key_is_secret(key):
    """A key that nobody knows is a secret."""
    assert is_secret_key(key)


def test_a_value_without_a_key_is_secret():
    """A whole text secret has no key to judge by."""
    assert is_secret_key(None)


@given(st.sampled_from(sorted(NON_SECRET_KEYS)), st.data())
def test_case_plays_no_part(key, data):
    """Environment style and JSON style mean the same key."""
    spelled = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in key)
    assert not is_secret_key(spelled)


def test_the_list_is_in_lower_case():
    """Otherwise an entry would never be found."""
    assert all(key == key.lower() for key in NON_SECRET_KEYS)


def test_store_masks_each_secret_leaf():
    """Each leaf of a JSON secret, at any depth; host and user stay readable (checklist 13)."""
    secret = {
        "HOST": "policy-host.example",
        "USER": "policy-user",
        "PASSWORD": "policy-password",
        "nested": {"list": ["policy-item-1", {"deep": "policy-deep"}]},
        "pin": 987654321,
        "blob": b"policy-\x00-blob",
    }
    with override({"policy": secret}):
        tacenda.get("policy")
    mask = registry().mask
    assert mask("policy-host.example policy-user") == "policy-host.example policy-user"
    assert mask("policy-password policy-item-1 policy-deep 987654321") == " ".join(["[masked]"] * 4)
    assert mask(b"policy-\x00-blob") == b"[masked]"


def test_store_never_removes_a_value(tmp_path):
    """A rotated or deleted value may still stand in a buffer, so it stays masked."""
    with override({"x": "policy-old-value"}):
        tacenda.get("x")
        store = tacenda.open_store()
        store.set("x", "policy-new-value")
        store.delete("x")
        store.close()
    assert registry().mask("policy-old-value policy-new-value") == "[masked] [masked]"


def test_a_stack_may_change_the_list():
    """What one company calls harmless is another's secret."""
    changes = {"add": ["TEAM"], "remove": ["USER"]}
    stack = {"secrets": "env", "non_secret_keys": changes}
    store = tacenda.open_store(config={"stacks": {"dev": stack}})
    with override({"x": {"TEAM": "policy-team-name", "USER": "policy-secret-user"}}):
        store.get("x")
    assert registry().mask("policy-team-name policy-secret-user") == "policy-team-name [masked]"


def test_storing_binary_keys_does_not_mask_the_word_base64():
    """How a value is encoded for a backend is no secret."""
    with override({}):
        tacenda.open_store().set("x", {"cert": b"policy-certificate"})
        tacenda.get("x")
    assert registry().mask("encoding: base64") == "encoding: base64"
    assert registry().mask(b"policy-certificate") == b"[masked]"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a", "is shorter than 6 characters"),
        ("12345", "is shorter than 6 characters"),
        ("  1234 \n", "is shorter than 6 characters"),
        ("пар🔑л", "is shorter than 6 characters"),
        (b"\x00\xff", "is shorter than 6 characters"),
        ("", "is blank"),
        (" \t\r\n      ", "is blank"),
        (b"        ", "is blank"),
        ("********", "is one punctuation mark over and over"),
        ("------\n", "is one punctuation mark over and over"),
        ("localhost", "is a word that ordinary output holds"),
        ("LocalHost\n", "is a word that ordinary output holds"),
        (b"service_account", "is a word that ordinary output holds"),
        ("PRODUCTION", "is a word that ordinary output holds"),
        ("[masked]", "is a word that ordinary output holds"),
    ],
)
def test_why_a_value_is_not_masked(value, reason):
    """Short, blank and common values, in text and bytes, whatever whitespace stands around them (checklist 14)."""
    assert why_not_masked(value) == reason


@pytest.mark.parametrize(
    "value",
    [
        "123456",
        "2026-01-01",
        "changeme",
        "hunter2",
        "aaaaaa",
        "пароль",
        "localhost1",
        b"\x00\xff\xfe\x01\x02\x03",
        "null-null",
    ],
)
def test_everything_else_is_masked(value):
    """Numbers and dates too, because nobody can tell a PIN from a count; and weak passwords."""
    assert why_not_masked(value) is None


def test_the_minimum_counts_characters():
    """Six Cyrillic letters are six characters, though twelve bytes."""
    assert MIN_LENGTH == 6
    assert why_not_masked("парол") == why_not_masked("passw")


def test_one_warning_that_names_the_secret(caplog):
    """The name and the reason, once for each secret, and never the value (checklist 14)."""
    masker = Masker()
    with caplog.at_level(logging.WARNING, logger="tacenda.masking"):
        for _ in range(3):
            masker.add("abc-1", name="vault://db#PIN")
        masker.add("localhost", name="env://HOST_NAME")
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "vault://db#PIN is shorter than 6 characters and is not masked",
        "env://HOST_NAME is a word that ordinary output holds and is not masked",
    ]
    assert len(masker) == 0


def test_empty_values_are_not_even_worth_a_warning(caplog):
    """An empty field is no mistake: it is ignored without a warning (airflow#16007)."""
    masker = Masker()
    masker.add("", name="db#PASSWORD")
    masker.add(b"", name="db#PASSWORD")
    assert masker.mask("a b") == "a b"
    assert not caplog.records


@pytest.mark.parametrize("word", sorted(COMMON))
def test_common_words_stay_readable(word):
    """In every case, alone and inside a document, where each leaf is judged for itself."""
    masker = Masker()
    masker.add(word, name="x")
    masker.add(f'{{"key": "{word}", "other": "policy-example"}}', name="y")
    for spelled in (word, word.upper(), word.capitalize()):
        assert masker.mask(f"- {spelled} -") == f"- {spelled} -"
    assert masker.mask("policy-example") == "[masked]"


def test_common_words_are_in_lower_case():
    """Otherwise an entry would never be found."""
    assert all(word == word.lower().strip() for word in COMMON)


def test_a_lower_minimum_masks_more():
    """`min_length` lets shorter values be masked."""
    masker = Masker(min_length=3)
    masker.add("a1b", name="x")
    assert masker.mask("- a1b -") == "- [masked] -"
