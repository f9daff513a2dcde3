"""Audit events: who asked what, where, when and with what outcome; never a value."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import threading

import pytest

from tacenda import _audit
from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, SecretNotFound, Throttled


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The audit file."""
    path = tmp_path / "audit.jsonl"
    monkeypatch.setenv("TACENDA_AUDIT", str(path))
    return path


def events(log):
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_fields_of_an_event(log, shelf, shelf_store):
    """One JSON object per line, with everything that an auditor asks for (checklist 33)."""
    shelf.put("ml/x", "example-value")
    shelf_store().get("ml/x")
    (event,) = events(log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event.pop("duration_ms") >= 0
    assert event.pop("pid") == os.getpid()
    assert event.pop("user")
    assert event.pop("host")
    assert event == {
        "action": "read",
        "reference": "shelf://ml/x",
        "stack": "test",
        "backend": "shelf",
        "version": "1",
        "outcome": "ok",
    }


def test_reference_can_be_pasted_back(log, shelf, shelf_store):
    """What is on record leads to the secret again."""
    shelf.put("a b", "example-value")
    store = shelf_store()
    store.get("a b")
    assert store.get(events(log)[0]["reference"], fresh=True) == "example-value"


def test_cache_hit_is_no_event(log, shelf, shelf_store):
    """Nobody was asked, so nothing is on record."""
    shelf.put("x", "example-value")
    store = shelf_store()
    for _ in range(3):
        store.get("x")
    assert len(events(log)) == 1


@pytest.mark.parametrize("kind", [AccessDenied, BackendUnavailable, Throttled, SecretNotFound])
def test_outcome_is_the_kind_of_error(log, shelf, shelf_store, kind):
    """Denied, down, throttled and missing are told apart."""
    shelf.fail(kind("example failure"))
    with pytest.raises(kind):
        shelf_store().get("x")
    assert [event["outcome"] for event in events(log)] == [kind.__name__]


def test_every_place_of_the_chain_is_an_event(log, shelf, shelf_store):
    """A miss on the way is on record as well."""
    shelf.put("x", "example-value")
    shelf_store({"shelf": "other"}, {"shelf": "main"}).get("x")
    assert [event["outcome"] for event in events(log)] == ["SecretNotFound", "ok"]


def test_actions(log, shelf, shelf_store):
    """Writes, deletions, listings and metadata are on record, with versions."""
    store = shelf_store()
    store.set("x", {"a": 1})
    store.update("x", {"b": 2})
    store.info("x")
    list(store.list("x"))
    store.delete("x")
    told = [(event["action"], event["reference"], event["version"]) for event in events(log)]
    assert told == [
        ("write", "shelf://x", "1"),
        ("write", "shelf://x", "2"),
        ("info", "shelf://x", "2"),
        ("list", "shelf://x*", None),
        ("delete", "shelf://x", None),
    ]


def test_stale_is_on_record(log, shelf, shelf_store, clock):
    """A value from memory in place of an answer is an outcome of its own (C9)."""
    shelf.put("x", "example-value")
    store = shelf_store()
    store.get("x")
    clock.advance(301)
    shelf.fail(BackendUnavailable("down"))
    store.get("x")
    assert [event["outcome"] for event in events(log)] == ["ok", "BackendUnavailable", "stale"]


def test_a_batch_names_what_it_brought(log, shelf, shelf_store):
    """The call is on record, and each secret of it with its version; what it lacked, by the read that follows."""
    for name in "abc":
        shelf.put(name, "example-value")
    with pytest.raises(SecretNotFound):
        shelf_store({"shelf": "main", "batch": 20}).get_many(["a", "b", "c", "d"])
    told = [(event["reference"], event["version"], event["outcome"]) for event in events(log)]
    assert told == [
        ("shelf://(4 documents in one call)", None, "ok"),
        ("shelf://a", "1", "ok"),
        ("shelf://b", "1", "ok"),
        ("shelf://c", "1", "ok"),
        ("shelf://d", None, "SecretNotFound"),
    ]


def test_never_a_value(log, shelf, shelf_store):
    """Whatever is done with a value, the record does not hold it."""
    store = shelf_store()
    value = "example-audit-value"
    store.set("x", {"K": value, "L": value.encode()})
    store.get("x"), store.get("x", "K")
    store.update("x", {"K": value + "2"})
    shelf.fail(AccessDenied("not for you"))
    with pytest.raises(AccessDenied):
        store.set("x", value)
    assert value not in log.read_text()
    assert len(events(log)) == 4


def test_caller_is_named(log, shelf, shelf_store):
    """An adapter says flow, run and step; blocks nest and end (checklist 32)."""
    shelf.put("x", "example-value")
    store = shelf_store(cache_ttl=0)
    with _audit.caller(flow="Train", run="7"):
        with _audit.caller(step="start"):
            store.get("x")
        store.get("x")
    store.get("x")
    named = [{key: event.get(key) for key in ("flow", "run", "step")} for event in events(log)]
    assert named == [
        {"flow": "Train", "run": "7", "step": "start"},
        {"flow": "Train", "run": "7", "step": None},
        {"flow": None, "run": None, "step": None},
    ]


def test_caller_is_known_in_the_threads_of_get_many(log, shelf, shelf_store):
    """Parallel reads are attributed like single ones."""
    for name in "abc":
        shelf.put(name, "example-value")
    with _audit.caller(step="train"):
        shelf_store().get_many(["a", "b", "c"])
    assert [event["step"] for event in events(log)] == ["train"] * 3


def test_file_is_private(log, shelf, shelf_store):
    """0600: names can tell a lot."""
    shelf.put("x", "example-value")
    before = os.umask(0)
    try:
        shelf_store().get("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_lines_of_many_threads_do_not_mix(log):
    """Each line is one write to a file opened for appending."""

    def work(number):
        for _ in range(20):
            _audit.record("read", f"shelf://{'x' * 200}{number}", stack="s", backend="b", started=0.0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(events(log)) == 160


def test_names_of_any_language(log, shelf, shelf_store):
    """Names are written as they are."""
    shelf_store().set("clé", "example-value")
    assert events(log)[0]["reference"] == "shelf://cl%C3%A9"


def test_file_that_cannot_be_written_is_told(monkeypatch, shelf, shelf_store, workplace):
    """Who asked for an audit does not go without one: the read fails, naming variable and file, without the value."""
    monkeypatch.setenv("TACENDA_AUDIT", str(workplace / "no" / "such" / "file"))
    shelf.put("x", "example-value")
    with pytest.raises(ConfigurationError, match=r"TACENDA_AUDIT names, .*/no/such/file: No such file") as caught:
        shelf_store().get("x")
    assert "example-value" not in str(caught.value)


def test_logger_gets_the_same_line(shelf, shelf_store, caplog):
    """Who configures the logger `tacenda.audit` needs no file."""
    shelf.put("x", "example-value")
    with caplog.at_level(logging.INFO, logger="tacenda.audit"):
        shelf_store().get("x")
    (record,) = [record for record in caplog.records if record.name == "tacenda.audit"]
    assert json.loads(record.getMessage())["reference"] == "shelf://x"


def test_an_inherited_level_is_not_listening(shelf, shelf_store, caplog):
    """An orchestrator that puts the root logger on INFO does not put our events on its users' consoles."""
    shelf.put("x", "example-value")
    with caplog.at_level(logging.INFO):
        shelf_store().get("x")
    assert [record for record in caplog.records if record.name == "tacenda.audit"] == []


def test_nobody_listens_nothing_is_built(monkeypatch, shelf, shelf_store):
    """Without a file and a listening logger an event costs next to nothing."""
    monkeypatch.setattr(_audit, "_who", lambda: pytest.fail("an event was built"))
    shelf.put("x", "example-value")
    assert shelf_store().get("x") == "example-value"


def test_nothing_is_written_that_cannot_be_put_on_record(tmp_path, monkeypatch, shelf, shelf_store):
    """An audit file that cannot be written is found out before the backend is asked, not after the write."""
    monkeypatch.setenv("TACENDA_AUDIT", str(tmp_path / "no" / "such" / "directory"))
    with pytest.raises(ConfigurationError, match="cannot write the audit file"):
        shelf_store().set("x", "example-value")
    assert shelf.calls == []
