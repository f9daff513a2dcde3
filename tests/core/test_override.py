"""`tacenda.testing.override`: secrets for a user's own tests, without a backend."""

from __future__ import annotations

import threading

import pytest

import tacenda
from tacenda import Secret, SecretBundle
from tacenda.errors import Conflict, SecretNotFound, Unsupported
from tacenda.testing import override


@pytest.fixture
def store(shelf, shelf_store):
    shelf.put("api-keys", {"API_KEY": "example-real"})
    return shelf_store()


def test_every_store_answers_from_it(store, shelf):
    """Open stores, new ones and the process-wide one; no backend is asked."""
    assert store.get("api-keys", "API_KEY") == "example-real"
    calls = len(shelf.calls)
    with override({"api-keys": {"API_KEY": "example-fake"}}):
        assert store.get("api-keys", "API_KEY") == "example-fake"
        assert tacenda.get("api-keys").API_KEY == "example-fake"
        assert tacenda.get_many(["api-keys"])["api-keys"]["API_KEY"] == "example-fake"
    assert store.get("api-keys", "API_KEY") == "example-real"
    assert len(shelf.calls) == calls


def test_types_are_those_of_a_store():
    """Tests see what production sees: secret types, masked."""
    with override({"text": "example", "bytes": b"\x00", "json": '{"a": 1}', "bundle": {"n": {"m": [1]}}}):
        assert type(tacenda.get("text")) is Secret
        assert tacenda.get("bytes") == b"\x00"
        assert type(tacenda.get("json")) is SecretBundle
        assert tacenda.get("bundle").n.m == [1]
        assert tacenda.get("json#a") == 1


def test_what_is_not_in_it_is_missing(store):
    """A test never reaches the real backend by accident."""
    with override({"other": "example"}):
        with pytest.raises(SecretNotFound, match="no secret 'api-keys'") as caught:
            store.get("api-keys")
        assert "override does not name it" in str(caught.value)
        assert store.get("api-keys", default=None) is None


def test_references_can_be_overridden(store):
    """A reference stands for itself; one of its keys can be asked for."""
    with override(
        {"vault://secret/ml": {"K": "example-k"}, "arn:aws:secretsmanager:us-east-1:1:secret:a": "example-a"}
    ):
        assert store.get("vault://secret/ml#K") == store.get("vault://secret/ml", "K") == "example-k"
        assert store.get("arn:aws:secretsmanager:us-east-1:1:secret:a") == "example-a"
        with pytest.raises(SecretNotFound):
            store.get("vault://secret/other")


def test_overrides_nest():
    """The innermost that names it serves; each ends with its block."""
    with override({"a": "example-outer", "b": "example-b"}):
        with override({"a": "example-inner"}):
            assert (tacenda.get("a"), tacenda.get("b")) == ("example-inner", "example-b")
        assert tacenda.get("a") == "example-outer"
    assert tacenda.get("a", default=None) is None


def test_override_ends_with_an_exception(store):
    """A failing test leaves nothing behind for the next one."""
    with pytest.raises(RuntimeError), override({"api-keys": "example-fake"}):
        raise RuntimeError
    assert store.get("api-keys").API_KEY == "example-real"


def test_writes_end_with_it(store, shelf):
    """Code under test may write; the backend and the mapping stay as they were."""
    mapping = {"x": {"a": "example-1"}}
    with override(mapping):
        store.update("x", {"b": "example-2"})
        store.set("y", "example-y", create=True)
        assert store.get("x") == {"a": "example-1", "b": "example-2"}
        assert [info.name for info in store.list()] == ["x", "y"]
        assert store.info("y").name == "y"
        with pytest.raises(Conflict):
            store.set("y", "example-z", create=True)
        store.delete("y")
        with pytest.raises(SecretNotFound):
            store.get("y")
    assert mapping == {"x": {"a": "example-1"}}
    assert list(shelf.documents) == ["api-keys"]


def test_one_stores_write_is_anothers_read(store):
    """All stores share what stands in, at once."""
    with override({"x": "example-1"}):
        assert tacenda.get("x") == "example-1"
        store.set("x", "example-2")
        assert tacenda.get("x") == "example-2"


def test_nothing_of_it_stays_in_a_cache(store):
    """The next override with the same name starts afresh."""
    for number in range(3):
        with override({"x": f"example-{number}"}):
            assert store.get("x") == f"example-{number}"
    assert store.get("x", default=None) is None


def test_it_holds_in_all_threads(store):
    """Code under test may use threads."""
    seen = []
    with override({"x": "example-1"}):
        thread = threading.Thread(target=lambda: seen.append(store.get("x")))
        thread.start()
        thread.join(10)
    assert seen == ["example-1"]


def test_concurrent_updates_lose_nothing(store):
    """Also a stand-in keeps the promise of `update`."""
    with override({"x": {}}):
        threads = [threading.Thread(target=store.update, args=("x", {f"k{i}": i})) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert store.get("x") == {f"k{i}": i for i in range(16)}


def test_versions_and_tags_are_unsupported(store):
    """What stands in has neither, and says so."""
    with override({"x": "example"}):
        with pytest.raises(Unsupported):
            store.get("x", version="1")
        with pytest.raises(Unsupported):
            store.set("x", "example", tags={"a": "b"})


def test_as_a_decorator():
    """A whole test function can be decorated."""

    @override({"x": "example-1"})
    def under_test():
        return tacenda.get("x")

    assert under_test() == "example-1"
    assert under_test() == "example-1"


def test_it_needs_neither_pytest_nor_a_server(python):
    """Users' tests import nothing heavy."""
    code = """
import sys, tacenda
with tacenda.testing.override({"x": "example"}):
    tacenda.get("x")
print([m for m in ("pytest", "hvac", "requests", "subprocess") if m in sys.modules])
"""
    assert python(code) == "[]\n"
