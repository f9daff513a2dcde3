"""With a document setting the stack is one document, and a name is a key of it."""

from __future__ import annotations

import json

import pytest

from tacenda import open_store
from tacenda.errors import Conflict, InvalidReference, SecretNotFound, Unsupported
from tacenda.masking import registry

DOCUMENT = {"DB_PASSWORD": "example-password", "api": {"KEY": "example-key", "PORT": 1}, "text": "example-text"}


@pytest.fixture
def store(shelf, shelf_store):
    shelf.put("ml/training", dict(DOCUMENT))
    return shelf_store({"shelf": "main", "document": "ml/training"})


def stored(shelf):
    return shelf.documents["ml/training"][-1]


def test_name_is_a_key(store):
    """`get("DB_PASSWORD")` is a key of the document, an object there a bundle (S0.25, S0.37)."""
    assert store.get("DB_PASSWORD") == "example-password"
    assert store.get("api") == {"KEY": "example-key", "PORT": 1}
    assert store.get("api", "KEY") == store.get("api#KEY") == "example-key"


def test_all_keys_cost_one_read(store, shelf):
    """Fifty keys of one document are one read."""
    for name in DOCUMENT:
        store.get(name)
    assert shelf.reads() == ["ml/training"]


def test_get_many_of_fifty_keys_is_one_read(shelf, shelf_store):
    """Also when they are asked for at once."""
    shelf.put("d", {f"key-{i}": f"example-{i}" for i in range(50)})
    store = shelf_store({"shelf": "main", "document": "d"})
    assert len(store.get_many([f"key-{i}" for i in range(50)])) == 50
    assert shelf.reads() == ["d"]


def test_missing_key_names_the_keys(store):
    """The error lists the document's keys, and no value."""
    with pytest.raises(SecretNotFound, match="there is no secret 'NOPE'") as caught:
        store.get("NOPE")
    assert caught.value.tried == ("shelf://ml/training#NOPE: no key 'NOPE'",)
    assert caught.value.hint == "the keys are: DB_PASSWORD, api, text"


def test_set_keeps_the_siblings(store, shelf):
    """Setting one key leaves the others alone (S0.57)."""
    store.set("DB_PASSWORD", "example-new")
    assert stored(shelf) == {**DOCUMENT, "DB_PASSWORD": "example-new"}


def test_update_merges_inside_a_key(store, shelf):
    """`update` merges into the object under the name, and leaves its other keys and siblings alone."""
    store.update("api", {"KEY": "example-new", "MORE": 2})
    assert stored(shelf)["api"] == {"KEY": "example-new", "PORT": 1, "MORE": 2}
    assert stored(shelf)["text"] == "example-text"


def test_update_of_a_new_name_makes_it(store, shelf):
    """A name that is not there yet begins empty."""
    store.update("new", {"K": "example"})
    assert stored(shelf)["new"] == {"K": "example"}


def test_delete_removes_one_key(store, shelf):
    """The document stays (S0.62)."""
    store.delete("DB_PASSWORD")
    assert sorted(stored(shelf)) == ["api", "text"]
    with pytest.raises(SecretNotFound):
        store.get("DB_PASSWORD")


def test_delete_of_a_missing_key(store, shelf):
    """What is not there cannot be deleted, and nothing is written."""
    with pytest.raises(SecretNotFound, match="no secret 'NOPE' to delete"):
        store.delete("NOPE")
    assert len(shelf.documents["ml/training"]) == 1


def test_list_gives_the_keys(store):
    """Names are the document's keys (S0.59)."""
    assert sorted(info.name for info in store.list()) == ["DB_PASSWORD", "api", "text"]
    assert [info.name for info in store.list("D")] == ["DB_PASSWORD"]


def test_document_that_does_not_exist_yet(shelf, shelf_store):
    """The first `set` makes it; until then it has no names."""
    store = shelf_store({"shelf": "main", "document": "new"})
    assert list(store.list()) == []
    with pytest.raises(SecretNotFound):
        store.get("a")
    store.set("a", "example-value")
    assert shelf.documents["new"] == [{"a": "example-value"}]


def test_create_refuses_an_existing_key(store, shelf):
    """`create=True` is about the key."""
    with pytest.raises(Conflict, match="'text' exists already"):
        store.set("text", "example-new", create=True)
    store.set("new", "example-new", create=True)
    assert stored(shelf)["new"] == "example-new"
    assert stored(shelf)["text"] == "example-text"


def test_tags_on_a_key_are_unsupported(store):
    """Backends tag documents, not keys."""
    with pytest.raises(Unsupported, match="keep tags on a key of a document"):
        store.set("text", "example-new", tags={"team": "ml"})


def test_bytes_survive_at_any_depth(store):
    """Binary under a key, and binary under a key of a bundle."""
    store.set("cert", b"\x00\xffexample")
    store.set("bundle", {"cert": b"\x00\xffexample", "n": 1})
    assert store.get("cert") == b"\x00\xffexample"
    assert store.get("bundle") == {"cert": b"\x00\xffexample", "n": 1}


def test_document_kept_as_json_text(shelf, shelf_store):
    """A document that a backend keeps as JSON text is the same to everybody."""
    shelf.put("d", '{"a": "example-a", "b": 2}')
    store = shelf_store({"shelf": "main", "document": "d"})
    store.set("a", "example-new")
    assert (store.get("a"), store.get("b")) == ("example-new", 2)


def test_document_that_is_no_object(shelf, shelf_store):
    """A text where the one document belongs is an error for reading and writing, and is not overwritten."""
    shelf.put("d", "example-text")
    store = shelf_store({"shelf": "main", "document": "d"})
    for use in (lambda: store.get("a"), lambda: store.set("a", "x"), lambda: store.delete("a")):
        with pytest.raises(InvalidReference) as caught:
            use()
        assert "example-text" not in str(caught.value)
    assert shelf.documents["d"] == ["example-text"]


def test_json_text_in_a_document_is_masked_inside_too(workplace):
    """A secret kept as JSON text is a bundle when asked for, so its values are masked like those of any bundle."""
    (workplace / "x.json").write_text(json.dumps({"db": '{"HOST": "example-host", "PASSWORD": "example-inner"}'}))
    with open_store(config={"stacks": {"dev": {"secrets": {"provider": "local", "path": "x.json"}}}}) as store:
        assert store.get("db").PASSWORD == "example-inner"
    assert registry().mask("example-host example-inner") == "example-host [masked]"
