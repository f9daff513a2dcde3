"""However many threads ask at once, a backend is asked once, and never by more than sixteen at a time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tacenda.errors import AccessDenied, BackendUnavailable


def slow(shelf, seconds=0.05):
    shelf.before = lambda action, path: time.sleep(seconds)


def together(count, call):
    """Return what a call returned or raised in each of so many threads that begin at once."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait(10)
        try:
            return call(number)
        except Exception as error:  # noqa: BLE001 - compared by the tests
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_sixteen_threads_one_cold_secret_one_call(shelf, shelf_store):
    """Exactly one backend call, and everybody has the value."""
    shelf.put("x", {"k": "example-1"})
    slow(shelf)
    store = shelf_store()
    results = together(16, lambda number: store.get("x"))
    assert shelf.reads() == ["x"]
    assert all(result is results[0] for result in results)


def test_different_keys_of_one_document_share_the_call(shelf, shelf_store):
    """Requests for one document are coalesced."""
    shelf.put("d", {f"key-{i}": f"example-{i}" for i in range(16)})
    slow(shelf)
    store = shelf_store({"shelf": "main", "document": "d"})
    assert together(16, lambda i: store.get(f"key-{i}")) == [f"example-{i}" for i in range(16)]
    assert shelf.reads() == ["d"]


def test_a_failure_reaches_everybody_who_waited(shelf, shelf_store):
    """One denied call, and each thread has an error of its own."""

    def denied(action, path):
        time.sleep(0.05)
        raise AccessDenied("not for you", hint="ask")

    shelf.before = denied
    store = shelf_store()
    errors = together(8, lambda number: store.get("x"))
    assert len(shelf.reads()) == 1
    assert {type(error) for error in errors} == {AccessDenied}
    assert {str(error) for error in errors} == {"not for you\n  next: ask"}
    assert len({id(error) for error in errors}) == 8


def test_an_interrupted_read_does_not_hang_the_others(shelf, shelf_store):
    """Ctrl-C in the thread that reads is told to those who waited for it."""

    def interrupted(action, path):
        time.sleep(0.1)
        raise KeyboardInterrupt

    shelf.before = interrupted
    store = shelf_store()
    outcomes = []

    def ask():
        try:
            store.get("x")
        except BaseException as error:  # noqa: BLE001 - compared below
            outcomes.append(type(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(kind.__name__ for kind in outcomes) == ["BackendUnavailable"] * 3 + ["KeyboardInterrupt"]


def test_after_a_failure_the_next_one_asks(shelf, shelf_store):
    """A failed read leaves nothing behind."""
    store = shelf_store()
    shelf.fail(BackendUnavailable("down"))
    with pytest.raises(BackendUnavailable):
        store.get("x")
    shelf.fail(None)
    shelf.put("x", "example-1")
    assert store.get("x") == "example-1"


def test_at_most_sixteen_at_once(shelf, shelf_store):
    """Forty threads with forty secrets keep sixteen calls running."""
    for number in range(40):
        shelf.put(f"x{number}", "example-value")
    slow(shelf, 0.03)
    store = shelf_store()
    together(40, lambda number: store.get(f"x{number}"))
    assert len(shelf.reads()) == 40
    assert 2 <= shelf.busiest <= 16


def test_waiting_for_a_retry_holds_no_place(shelf, shelf_store):
    """Sixteen throttled reads do not keep others from asking."""
    shelf.put("fine", "example-value")

    def throttled(action, path):
        if path != "fine":
            raise BackendUnavailable("down", retry_for=2.0, retry_after=1.0)

    shelf.before = throttled
    store = shelf_store(deadline=2)
    threads = [threading.Thread(target=store.get, args=(f"x{i}",), kwargs={"default": None}) for i in range(16)]
    failures = []
    threading.excepthook, before = lambda args: failures.append(args.exc_type), threading.excepthook
    try:
        for thread in threads:
            thread.start()
        while len(shelf.calls) < 16:
            time.sleep(0.01)
        started = time.monotonic()
        assert store.get("fine") == "example-value"
        took = time.monotonic() - started
    finally:
        for thread in threads:
            thread.join(10)
        threading.excepthook = before
    assert took < 0.5
    assert failures == [BackendUnavailable] * 16
