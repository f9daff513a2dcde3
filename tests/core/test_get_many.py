"""Several secrets at once: batches, threads, and one error for all that failed."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tacenda import open_store
from tacenda.errors import AccessDenied, Conflict, InvalidReference, SecretError, SecretNotFound, Throttled


def fill(shelf, count):
    names = [f"x{number}" for number in range(count)]
    for name in names:
        shelf.put(name, f"example-{name}")
    return names


def test_result_is_a_dict_in_the_order_asked(shelf, shelf_store):
    """Names, references and repetitions."""
    fill(shelf, 3)
    found = shelf_store().get_many(["x2", "shelf://x0", "x1", "x2"])
    assert list(found.items()) == [("x2", "example-x2"), ("shelf://x0", "example-x0"), ("x1", "example-x1")]


def test_nothing_asked_is_nothing(shelf_store, shelf):
    """An empty list costs no call."""
    assert shelf_store().get_many([]) == {}
    assert shelf.calls == []


def test_reads_are_parallel(shelf, shelf_store):
    """Without a batch call, reads run side by side: they meet at a barrier."""
    names = fill(shelf, 8)
    barrier = threading.Barrier(8)
    shelf.before = lambda action, path: barrier.wait(10)
    assert len(shelf_store().get_many(names)) == 8


def test_one_secret_needs_no_thread(shelf, shelf_store):
    """A single read happens where it is asked for."""
    shelf.put("x", "example-value")
    threads = []
    shelf.before = lambda action, path: threads.append(threading.current_thread())
    shelf_store().get_many(["x"])
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize(("count", "sizes"), [(2, [2]), (20, [20]), (45, [20, 20, 5])])
def test_batches(shelf, shelf_store, count, sizes):
    """A backend that reads 20 at once is asked in batches of 20, and no secret is read again."""
    names = fill(shelf, count)
    store = shelf_store({"shelf": "main", "batch": 20})
    assert store.get_many(names) == {name: f"example-{name}" for name in names}
    assert sorted((len(call.split()) for call in shelf.reads("batch")), reverse=True) == sizes
    assert shelf.reads() == []


def test_batches_are_parallel(shelf, shelf_store):
    """Several batches run side by side: they meet at a barrier."""
    names = fill(shelf, 50)
    barrier = threading.Barrier(3)
    shelf.before = lambda action, path: barrier.wait(10)
    assert len(shelf_store({"shelf": "main", "batch": 20}).get_many(names)) == 50
    assert len(shelf.reads("batch")) == 3


def test_after_a_denied_batch_the_others_are_left_out(shelf, shelf_store):
    """Of many batches only those on their way are refused; the rest are read singly at once."""
    names = fill(shelf, 80)

    def before(action, path):
        if action == "batch":
            raise AccessDenied("no BatchGet")

    shelf.before = before
    assert len(shelf_store({"shelf": "main", "batch": 2}).get_many(names)) == 80
    assert len(shelf.reads("batch")) < 40
    assert sorted(shelf.reads()) == sorted(names)


def test_a_programming_error_in_a_batch_is_raised_as_it_is(shelf, shelf_store):
    """Nor is a bug in a batch call hidden behind single reads."""
    names = fill(shelf, 45)

    def before(action, path):
        if action == "batch":
            raise ZeroDivisionError

    shelf.before = before
    with pytest.raises(ZeroDivisionError):
        shelf_store({"shelf": "main", "batch": 20}).get_many(names)


@pytest.mark.parametrize("settings", [{"cache_ttl": 0}, {}])
def test_a_batch_is_enough(shelf, shelf_store, settings):
    """Without a cache, and past it with `fresh`, a batch is asked each time, and what it brought is not read again."""
    names = fill(shelf, 3)
    store = shelf_store({"shelf": "main", "batch": 20}, **settings)
    store.get_many(names)
    shelf.put("x0", "example-new")
    fresh = bool(store.stack.cache_ttl)
    assert store.get_many(names, fresh=fresh)["x0"] == "example-new"
    assert asyncio.run(store.aget_many(names, fresh=fresh))["x0"] == "example-new"
    assert shelf.calls == [("batch", "x0 x1 x2")] * 3
    if fresh:
        assert store.get("x0") == "example-new"


def test_a_batch_of_before_a_write_is_not_what_is_found(shelf, shelf_store):
    """What another thread writes between a batch and the use of it is read again, and that is what is kept."""
    names = fill(shelf, 2)
    store = shelf_store({"shelf": "main", "batch": 20})
    batched = {}
    for prefetch in store._resolver.prefetches(names, batched):
        prefetch()
    assert store._found("x1", batched=batched).value == "example-x1"
    store.set("x0", "example-new")
    assert store._found("x0", batched=batched).value == "example-new"
    assert store.get("x0") == "example-new"


def test_warm_batch_asks_nobody(shelf, shelf_store):
    """What the cache has is not asked for again; only the rest is."""
    names = fill(shelf, 6)
    store = shelf_store({"shelf": "main", "batch": 20})
    store.get_many(names[:4])
    store.get_many(names[:4])
    assert len(shelf.calls) == 1
    store.get_many(names)
    assert shelf.reads("batch")[-1].split() == names[4:]


def test_one_secret_is_no_batch(shelf, shelf_store):
    """A batch of one would need another permission for nothing."""
    fill(shelf, 1)
    shelf_store({"shelf": "main", "batch": 20}).get_many(["x0"])
    assert shelf.calls == [("read", "x0")]


def test_denied_batch_becomes_single_reads(shelf, shelf_store):
    """Documented grants without the batch permission suffice (C14)."""
    names = fill(shelf, 3)

    def before(action, path):
        if action == "batch":
            raise AccessDenied("no BatchGet")

    shelf.before = before
    assert shelf_store({"shelf": "main", "batch": 20}).get_many(names) == {n: f"example-{n}" for n in names}
    assert sorted(shelf.reads()) == names


def test_throttled_batch_is_not_waited_for(shelf, shelf_store):
    """Batch calls have the smaller quota: single reads go on at once."""
    names = fill(shelf, 3)

    def before(action, path):
        if action == "batch":
            raise Throttled("slow down", retry_for=180.0, retry_after=30.0)

    shelf.before = before
    started = time.monotonic()
    assert len(shelf_store({"shelf": "main", "batch": 20}, deadline=60).get_many(names)) == 3
    assert time.monotonic() - started < 5


def test_missing_from_a_batch_is_asked_for_singly(shelf, shelf_store):
    """An error for one path in a batch says nothing final about it."""
    names = fill(shelf, 2)
    store = shelf_store({"shelf": "main", "batch": 20})
    with pytest.raises(SecretNotFound) as caught:
        store.get_many([*names, "missing"])
    assert list(caught.value.failures) == ["missing"]
    assert shelf.reads() == ["missing"]


def test_keys_in_names_are_batched_by_document(shelf, shelf_store):
    """`a#k` and `a#l` are one document in the batch."""
    shelf.put("a", {"k": "example-k", "l": "example-l"})
    shelf.put("b", "example-b")
    store = shelf_store({"shelf": "main", "batch": 20})
    assert store.get_many(["a#k", "a#l", "b"]) == {"a#k": "example-k", "a#l": "example-l", "b": "example-b"}
    assert shelf.calls == [("batch", "a b")]


def test_worst_error_with_every_failure(shelf, shelf_store):
    """One error of the worst kind; each failed name has its own in `.failures`."""
    fill(shelf, 1)

    def before(action, path):
        if path == "denied":
            raise AccessDenied("not for you", hint="ask for it")

    shelf.before = before
    with pytest.raises(AccessDenied) as caught:
        shelf_store().get_many(["x0", "missing", "denied"])
    error = caught.value
    assert {name: type(failure) for name, failure in error.failures.items()} == {
        "missing": SecretNotFound,
        "denied": AccessDenied,
    }
    assert error.message.startswith("2 of 3 secrets could not be read: missing: there is no secret 'missing'")
    assert error.hint == "ask for it"
    assert "example-x0" not in str(error)


@pytest.mark.parametrize("batch", [1, 20])
def test_a_name_that_means_nothing_is_one_of_the_failures(shelf, shelf_store, batch):
    """A value in place of a name is told beside the others, in every mode, without an echo."""
    fill(shelf, 2)
    with pytest.raises(InvalidReference) as caught:
        shelf_store({"shelf": "main", "batch": batch}).get_many(["x0", "x1", "", "missing"])
    assert set(caught.value.failures) == {"", "missing"}


def test_fresh_goes_past_the_cache(shelf, shelf_store):
    """`fresh=True` asks for each again."""
    names = fill(shelf, 2)
    store = shelf_store()
    store.get_many(names)
    shelf.put("x0", "example-new")
    assert store.get_many(names)["x0"] == "example-x0"
    assert store.get_many(names, fresh=True)["x0"] == "example-new"


def test_a_programming_error_is_raised_as_it_is(shelf, shelf_store):
    """A bug in a provider is not dressed up as a missing secret."""

    def before(action, path):
        raise ZeroDivisionError

    shelf.before = before
    with pytest.raises(ZeroDivisionError) as caught:
        shelf_store().get_many(["a", "b"])
    assert not isinstance(caught.value, SecretError)


def test_batch_read_before_a_write_is_not_kept(shelf, shelf_store):
    """A batch in flight during a write leaves nothing old behind."""
    names = fill(shelf, 2)
    store = shelf_store({"shelf": "main", "batch": 20})
    reading, written = threading.Event(), threading.Event()

    def after(action, path):
        if action == "batch" and not written.is_set():
            reading.set()
            written.wait(10)

    shelf.after = after
    thread = threading.Thread(target=store.get_many, args=(names,))
    thread.start()
    assert reading.wait(10)
    store.set("x0", "example-new")
    written.set()
    thread.join(10)
    assert store.get("x0") == "example-new"


@pytest.mark.parametrize("names", [["my-key", "my_key"], ["my.key", "OTHER", "my-key"]])
def test_two_names_of_one_place_are_refused(monkeypatch, names):
    """Names that a backend cannot tell apart are one error that lists them, not one value under two names."""
    monkeypatch.setenv("MY_KEY", "example-value")
    monkeypatch.setenv("OTHER", "example-other")
    store = open_store(config={"stacks": {"dev": {"secrets": "env"}}})
    with pytest.raises(Conflict, match=r"'my.key' and 'my.key' are both env://MY_KEY") as caught:
        store.get_many(names)
    assert "'OTHER'" not in str(caught.value)


def test_a_name_and_a_reference_may_be_one_place(shelf, shelf_store):
    """Somebody who writes a reference knows where it leads."""
    fill(shelf, 1)
    assert shelf_store().get_many(["x0", "shelf://x0"]) == {"x0": "example-x0", "shelf://x0": "example-x0"}


def test_names_that_look_alike_may_be_two_places(shelf, shelf_store):
    """Only what really met is refused."""
    shelf.put("my-key", "example-1")
    shelf.put("my_key", "example-2")
    assert shelf_store().get_many(["my-key", "my_key"]) == {"my-key": "example-1", "my_key": "example-2"}
