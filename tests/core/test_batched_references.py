"""References in batches: with each other, and with the plain names of a stack that asks the same provider."""

from __future__ import annotations

import asyncio
import json

import pytest
from shelf_backend import SHELVES, RackProvider, ShelfProvider

import tacenda
from tacenda.errors import AccessDenied, InvalidReference, SecretNotFound

BATCHES = {"shelf": "main", "batch": 20}


def fill(shelf, *names):
    for name in names:
        shelf.put(name, f"example-{name}")


def test_names_and_references_are_one_call(shelf, shelf_store):
    """However the secrets of one backend are written, they are one backend read."""
    fill(shelf, "x0", "x1", "x2")
    found = shelf_store(BATCHES).get_many(["x0", "shelf://x1", "ref+shelf://x2"])
    assert found == {"x0": "example-x0", "shelf://x1": "example-x1", "ref+shelf://x2": "example-x2"}
    assert shelf.calls == [("batch", "x0 x1 x2")]


def test_a_document_is_asked_for_once(shelf, shelf_store):
    """Several keys, a name and a reference, with the stack's prefix and without: one document in the batch."""
    shelf.put("p/x", {"a": "example-a", "b": "example-b"})
    fill(shelf, "p/y")
    names = ["x#a", "shelf://p/x#b", "shelf://p/x#a", "shelf://p/y"]
    found = shelf_store(BATCHES, entry={"prefix": "p/"}).get_many(names)
    assert [*found.values()] == ["example-a", "example-b", "example-a", "example-p/y"]
    assert shelf.calls == [("batch", "p/x p/y")]


def test_references_to_a_later_provider_of_the_chain(shelf, shelf_store):
    """References are batched where they lead to; plain names go along the chain, which begins elsewhere."""
    fill(shelf, "x0", "x1", "x2")
    fill(SHELVES["first"], "x2")
    chain = [{"provider": "rack", "shelf": "first"}, BATCHES]
    store = shelf_store(*chain)
    assert len(store.get_many(["shelf://x0", "x2", "shelf://x1"])) == 3
    assert shelf.calls == [("batch", "x0 x1")]
    assert SHELVES["first"].calls == [("read", "x2")]


def test_each_backend_has_its_own_batch(shelf, shelf_store):
    """Two backends are two calls, and one that refuses batches does not keep the other from them."""
    names = [f"{scheme}://x{number}" for scheme in ("shelf", "rack") for number in range(3)]
    for one in (shelf, SHELVES["second"]):
        fill(one, "x0", "x1", "x2")

    def before(action, path):
        if action == "batch":
            raise AccessDenied("no BatchGet")

    shelf.before = before
    found = shelf_store(BATCHES, {"provider": "rack", "shelf": "second", "batch": 20}).get_many(names)
    assert list(found) == names
    assert SHELVES["second"].calls == [("batch", "x0 x1 x2")]
    assert sorted(shelf.calls) == [("batch", "x0 x1 x2"), *(("read", f"x{number}") for number in range(3))]


def test_what_one_call_cannot_reach_is_another_call(shelf, shelf_store):
    """A backend in several regions is one call for each; what is alone in its region is a plain read."""
    fill(shelf, "x0", "x1", "far/x0", "far/x1", "alone/x")
    store = shelf_store(BATCHES)
    store.get_many(["x0", "shelf://far/x0", "shelf://x1", "far/x1", "shelf://alone/x"])
    assert sorted(shelf.calls) == [("batch", "far/x0 far/x1"), ("batch", "x0 x1"), ("read", "alone/x")]


def test_versions_are_read_singly(shelf, shelf_store):
    """A batch has current versions only."""
    for text in ("example-old", "example-new"):
        shelf.put("x", text)
    fill(shelf, "y", "z")
    store = shelf_store(BATCHES, entry={"versions": True})
    found = store.get_many(["shelf://x?version=1", "shelf://y", "z", "x"])
    assert found["shelf://x?version=1"] == "example-old"
    assert found["x"] == "example-new"
    assert sorted(shelf.calls) == [("batch", "y z x"), ("read", "x")]


def test_one_reference_is_no_batch(shelf, shelf_store):
    """One document needs no other permission than that to read it (C14)."""
    fill(shelf, "x")
    shelf_store(BATCHES).get_many(["shelf://x"])
    shelf_store(BATCHES).get_many(["shelf://x", "x"])
    assert {action for action, _ in shelf.calls} == {"read"}


@pytest.mark.parametrize("ask", ["get_many", "aget_many"])
def test_cache_and_fresh(shelf, shelf_store, ask):
    """What is kept is not asked for again, however it is written; `fresh` asks for everything, in one call."""
    fill(shelf, "x0", "x1", "x2", "x3")
    store = shelf_store(BATCHES)

    def get_many(*names, **options):
        found = getattr(store, ask)(names, **options)
        return found if ask == "get_many" else asyncio.run(found)

    get_many("x0", "shelf://x1")
    get_many("x1", "shelf://x0", "shelf://x2", "x3")
    assert shelf.calls == [("batch", "x0 x1"), ("batch", "x2 x3")]
    shelf.put("x1", "example-new")
    assert get_many("shelf://x0", "shelf://x1", fresh=True)["shelf://x1"] == "example-new"
    assert store.get("x1") == "example-new"
    assert shelf.calls[2:] == [("batch", "x0 x1")]


def test_failures_are_each_reference_s_own(shelf, shelf_store):
    """What a batch lacks is asked for singly, and what means nothing is told beside it."""
    fill(shelf, "x0", "x1")
    names = ["shelf://x0", "shelf://missing", "nowhere://x", "x1", "shelf://x1#"]
    with pytest.raises(InvalidReference) as caught:
        shelf_store(BATCHES).get_many(names)
    kinds = {name: type(failure) for name, failure in caught.value.failures.items()}
    assert kinds == {
        "shelf://missing": SecretNotFound,
        "nowhere://x": InvalidReference,
        "shelf://x1#": InvalidReference,
    }
    assert shelf.calls == [("batch", "x0 missing x1"), ("read", "missing")]


def test_overrides_answer_for_references(shelf, shelf_store):
    """In a user's test nobody is asked, in batches either."""
    with tacenda.testing.override({"shelf://x0": "example-0", "shelf://x1": "example-1", "x2": "example-2"}):
        found = shelf_store(BATCHES).get_many(["shelf://x0", "shelf://x1", "x2"])
    assert [*found.values()] == ["example-0", "example-1", "example-2"]
    assert shelf.calls == []


def test_each_secret_of_a_batch_is_on_record(shelf, shelf_store, tmp_path, monkeypatch):
    """An auditor sees each secret that came, as a reference, and the call."""
    monkeypatch.setenv("TACENDA_AUDIT", str(tmp_path / "audit.jsonl"))
    fill(shelf, "x0", "x1")
    shelf_store(BATCHES).get_many(["x0", "shelf://x1"])
    events = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    told = {event["reference"]: event["outcome"] for event in events}
    assert told == {"shelf://(2 documents in one call)": "ok", "shelf://x0": "ok", "shelf://x1": "ok"}


def test_a_provider_need_not_tell_its_documents_apart(shelf_store, monkeypatch):
    """A provider that says nothing of regions is one place: a plug-in written before there were any goes on."""
    monkeypatch.delattr(ShelfProvider, "batched_with")
    shelf = SHELVES["rack"]
    fill(shelf, "near/x", "far/x")
    store = shelf_store({"provider": RackProvider.backend, "batch": 20})
    assert len(store.get_many(["rack://near/x", "far/x"])) == 2
    assert shelf.calls == [("batch", "near/x far/x")]
