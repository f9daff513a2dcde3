"""Which leaves of a secret are masked: HOST and PORT stay readable, or every log line would be masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tacenda
from tacenda.masking import NON_SECRET_KEYS, is_secret_key, registry
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
