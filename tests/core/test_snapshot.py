"""A stack frozen at submit is the same stack where the code runs."""

from __future__ import annotations

import json

import pytest

from tacenda import open_store


def test_round_trip_through_open_store(shelf_store):
    """`open_store(config=store.stack.snapshot())` is the same stack, whatever is configured there."""
    store = shelf_store(
        {"shelf": "a", "prefix": "x/"},
        {"provider": "rack", "versions": True},
        cache_ttl=5,
        deadline=7,
        non_secret_keys={"add": ["team"], "remove": ["user"]},
    )
    again = open_store(config=store.stack.snapshot()).stack
    for attribute in ("name", "entries", "cache_ttl", "deadline", "non_secret_keys"):
        assert getattr(again, attribute) == getattr(store.stack, attribute)


def test_snapshot_is_plain_json(shelf_store):
    """It travels in a code package or an argument of a task."""
    snapshot = shelf_store({"shelf": "a"}, {"provider": "env", "prefix": "X_"}).stack.snapshot()
    assert json.loads(json.dumps(snapshot)) == snapshot


def test_snapshot_ignores_the_settings_there(shelf_store, monkeypatch):
    """TACENDA_STACK of the other machine does not choose among what was frozen here."""
    snapshot = shelf_store().stack.snapshot()
    monkeypatch.setenv("TACENDA_STACK", "other")
    assert open_store(config=snapshot).stack.name == "test"


@pytest.mark.parametrize("path", [", path: s.json", ""])
def test_relative_paths_start_where_they_did(workplace, tmp_path, monkeypatch, path):
    """A relative path, also the default one, means the same file from another directory."""
    (workplace / "tacenda.yaml").write_text(f"stacks: {{dev: {{secrets: {{provider: local{path}}}}}}}\n")
    (workplace / "s.json").write_text('{"token": "example-token"}')
    (workplace / ".secrets.json").write_text('{"token": "example-token"}')
    snapshot = open_store().stack.snapshot()
    monkeypatch.chdir(tmp_path)
    assert open_store(config=snapshot).get("token") == "example-token"


def test_credentials_stay_behind(shelf_store):
    """What was given by mapping, at the top or in `auth`, is not sent anywhere."""
    store = shelf_store({"shelf": "a", "token": "example-token", "auth": {"method": "token", "token": "example-token"}})
    snapshot = store.stack.snapshot()
    assert "example-token" not in json.dumps(snapshot)
    assert snapshot["stacks"]["test"]["secrets"] == [{"provider": "shelf", "shelf": "a", "auth": {"method": "token"}}]


def test_default_chain_is_frozen_as_it_is():
    """No configuration here is no configuration there, whatever file lies there."""
    assert open_store().stack.snapshot()["stacks"]["default"]["secrets"] == [{"provider": "env"}, {"provider": "files"}]
