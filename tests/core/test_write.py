"""Writing loses nobody's keys, and afterwards nobody reads what was there before."""

from __future__ import annotations

import threading
from datetime import datetime, timezone

import pytest

from tacenda import SecretBundle, open_store
from tacenda.errors import BackendUnavailable, Conflict, InvalidReference, SecretNotFound, Unsupported


@pytest.fixture
def store(shelf_store):
    return shelf_store()


@pytest.mark.parametrize(
    "value",
    [
        "example",
        "",
        " x \n",
        "ünïcode 🔑",
        b"\x00\xff",
        {},
        {"a": None, "b": [1, {"c": True}], "d": 1.5},
        {"k": b"\x00", "n": {"deep": "x"}},
    ],
    ids=repr,
)
def test_what_was_set_is_read(store, value):
    """Text, bytes and bundles come back exactly."""
    store.set("x", value)
    assert store.get("x") == value


def test_what_was_read_can_be_written(store, shelf):
    """A bundle from the store goes back as plain types, which every backend takes."""
    store.set("a", {"k": "example", "n": {"m": [1]}})
    store.set("b", store.get("a"))
    written = shelf.documents["b"][-1]
    assert (type(written), type(written["k"]), type(written["n"])) == (dict, str, dict)


def test_set_returns_the_new_version(store):
    """The caller learns the version, under the name as it was asked for."""
    store.set("x", "example-1")
    info = store.set("x", "example-2", tags={"team": "ml"})
    assert (info.name, info.version, info.tags) == ("x", "2", {"team": "ml"})


def test_create_refuses_what_exists(store):
    """`create=True` never replaces."""
    store.set("x", "example-1", create=True)
    with pytest.raises(Conflict):
        store.set("x", "example-2", create=True)
    assert store.get("x") == "example-1"


def test_update_merges(store):
    """Other keys stay, also when the secret was stored as JSON text."""
    store.set("x", '{"a": "example-a", "b": 1}')
    store.update("x", {"b": 2, "c": None})
    assert store.get("x") == {"a": "example-a", "b": 2, "c": None}


def test_update_of_a_missing_secret_makes_it(store):
    """The first key begins the bundle."""
    store.update("x", {"a": "example-a"})
    assert store.get("x") == {"a": "example-a"}


def test_update_of_a_text_is_refused(store):
    """A text has no keys, and is not wiped."""
    store.set("x", "example-text")
    with pytest.raises(InvalidReference, match="no JSON object"):
        store.update("x", {"a": 1})
    assert store.get("x") == "example-text"


def test_one_key_by_reference_or_name(store):
    """`NAME#KEY` writes and deletes one key."""
    store.set("x", {"a": "example-a", "b": "example-b"})
    store.set("shelf://x#a", "example-new")
    store.set("x#c", "example-c")
    store.delete("x#b")
    assert store.get("x") == {"a": "example-new", "c": "example-c"}


def test_delete(store):
    """What was deleted is missing, at once; and cannot be deleted twice."""
    store.set("x", "example")
    store.get("x")
    store.delete("x")
    with pytest.raises(SecretNotFound):
        store.get("x")
    with pytest.raises(SecretNotFound):
        store.delete("x")


def test_write_goes_to_the_first_that_can_write(shelf, shelf_store):
    """Neither env nor files is ever written to."""
    store = open_store(
        config={"stacks": {"dev": {"secrets": ["env", "files", {"provider": "shelf", "shelf": "main"}]}}}
    )
    store.set("EXAMPLE_X", "example-value")
    assert shelf.documents == {"EXAMPLE_X": ["example-value"]}


@pytest.mark.parametrize("write", [lambda s: s.set("x", "v"), lambda s: s.update("x", {}), lambda s: s.delete("x")])
def test_read_only_stack_is_told(write):
    """The default chain cannot be written to, and the error names who is asked (S0.56)."""
    with pytest.raises(Unsupported, match="nothing in stack 'default' can write 'x': the environment") as caught:
        write(open_store())
    assert caught.value.hint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "'x' is a int; a secret is text, bytes, or a mapping"),
        (None, "'x' is a NoneType"),
        (["example"], "'x' is a list"),
        ({1: "example"}, "a key of 'x' is a int; keys are text"),
        ({"a": {"b": b"example"}}, "x#a.b is a bytes"),
        ({"a": {"example"}}, "x#a is a set"),
        ({"a": datetime(2020, 1, 1, tzinfo=timezone.utc)}, "x#a is a datetime"),
    ],
)
def test_what_no_backend_can_keep_is_refused(store, shelf, value, message):
    """The error names the place, never the value, and nothing is written."""
    with pytest.raises(TypeError, match=message) as caught:
        store.set("x", value)
    assert "example" not in str(caught.value)
    assert shelf.documents == {}


def test_value_in_place_of_the_name_is_not_repeated(store):
    """Arguments in the wrong order do not put the value into a log."""
    with pytest.raises(InvalidReference, match="looks like a value") as caught:
        store.set('{"K": "example-key"}', "x")
    assert "example-key" not in str(caught.value)


def test_no_stale_read_after_a_write(store):
    """Every write is seen by the next read of this store, in all forms of the name."""
    store.set("x", {"k": "example-1"})
    assert [store.get("x"), store.get("x", "k"), store.get("shelf://x")]
    store.set("x", {"k": "example-2"})
    assert store.get("x", "k") == store.get("x").k == store.get("shelf://x#k") == "example-2"


def test_failed_write_also_forgets(store, shelf):
    """After an error nobody knows whether it was written, so the next read asks."""
    store.set("x", "example-1")
    store.get("x")
    shelf.fail(BackendUnavailable("down"))
    with pytest.raises(BackendUnavailable):
        store.set("x", "example-2")
    shelf.fail(None)
    shelf.put("x", "example-2")
    assert store.get("x") == "example-2"


@pytest.mark.parametrize("fresh", [False, True])
def test_read_in_flight_during_a_write_is_not_kept(store, shelf, fresh):
    """A read that began before a write may return the old value, but nobody gets it afterwards."""
    shelf.put("x", "example-1")
    reading, written = threading.Event(), threading.Event()

    def after(action, path):
        if action == "read" and not written.is_set():
            reading.set()
            written.wait(10)

    shelf.after = after
    results = []
    thread = threading.Thread(target=lambda: results.append(store.get("x", fresh=fresh)))
    thread.start()
    assert reading.wait(10)
    store.set("x", "example-2")
    written.set()
    thread.join(10)
    assert results == ["example-1"]
    assert store.get("x") == "example-2"


def test_sixteen_writers_lose_nothing(store, shelf):
    """Concurrent updates of one secret keep every key."""
    threads = [threading.Thread(target=store.update, args=("x", {f"key-{i}": i})) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert store.get("x") == {f"key-{i}": i for i in range(16)}


def test_update_takes_a_bundle(store):
    """What was read can be merged elsewhere."""
    store.update("x", SecretBundle({"a": "example-a"}))
    assert store.get("x") == {"a": "example-a"}


HALF = "example-\ud800"


@pytest.mark.parametrize("value", [HALF, {"k": HALF}, {HALF: "x"}, {"k": [HALF]}, {"k": float("nan")}, {"k": [1e999]}])
def test_what_no_encoding_can_hold_is_refused_before_it_is_sent(store, shelf, value):
    """Neither an encoder's error, which holds the whole document, nor a value that nobody can read back."""
    shelf.put("x", {"kept": "example"})
    for write in (store.set, store.update) if isinstance(value, dict) else (store.set,):
        with pytest.raises(Unsupported) as caught:
            write("x", value)
        assert "example" not in str(caught.value)
    assert store.get("x") == {"kept": "example"}


@pytest.mark.parametrize("call", ["get", "delete"])
@pytest.mark.parametrize("name", [HALF, f"x#{HALF}", f"shelf://x#{HALF}"])
def test_names_that_no_encoding_can_hold(store, name, call):
    """A name that no backend could have means nothing."""
    with pytest.raises(InvalidReference):
        getattr(store, call)(name)


def test_nested_keys_are_text_too(store):
    """JSON would quietly make the number 1 the text "1"."""
    with pytest.raises(TypeError, match="a key of 'x#a' is a int"):
        store.set("x", {"a": {1: "example"}})


def test_only_a_mapping_updates(store):
    """A text has no keys to merge."""
    with pytest.raises(TypeError, match="mapping"):
        store.update("x", "example")
