"""Reading without blocking the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from tacenda._audit import caller
from tacenda.errors import AccessDenied, SecretNotFound


def test_aget_is_get(shelf, shelf_store):
    """Keys, defaults and errors are the same."""
    shelf.put("x", {"k": "example-1"})
    store = shelf_store()

    async def main():
        assert await store.aget("x", "k") == "example-1"
        assert await store.aget("nope", default=None) is None
        with pytest.raises(SecretNotFound):
            await store.aget("nope")

    asyncio.run(main())


def test_the_loop_goes_on_meanwhile(shelf, shelf_store):
    """Other tasks run while a backend is slow."""
    shelf.put("x", "example-1")
    shelf.before = lambda action, path: time.sleep(0.2)
    store = shelf_store()

    async def main():
        task = asyncio.create_task(store.aget("x"))
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks, await task

    ticks, value = asyncio.run(main())
    assert value == "example-1"
    assert ticks >= 3


def test_aget_many_is_parallel_and_single_flight(shelf, shelf_store):
    """Ten names of five secrets are five reads, side by side."""
    for number in range(5):
        shelf.put(f"x{number}", "example-value")
    shelf.before = lambda action, path: time.sleep(0.1)
    store = shelf_store()
    found = asyncio.run(store.aget_many([f"x{number % 5}" for number in range(10)]))
    assert len(found) == 5
    assert shelf.busiest == 5
    assert len(shelf.calls) == 5


def test_aget_many_in_batches(shelf, shelf_store):
    """Batches where the backend has them."""
    for number in range(3):
        shelf.put(f"x{number}", "example-value")
    store = shelf_store({"shelf": "main", "batch": 20})
    assert len(asyncio.run(store.aget_many(["x0", "x1", "x2"]))) == 3
    assert [action for action, _ in shelf.calls] == ["batch"]


def test_aget_many_raises_the_worst(shelf, shelf_store):
    """With every failure in `.failures`, as `get_many`."""

    def before(action, path):
        if path == "b":
            raise AccessDenied("not for you")

    shelf.before = before
    with pytest.raises(AccessDenied) as caught:
        asyncio.run(shelf_store().aget_many(["a", "b"]))
    assert set(caught.value.failures) == {"a", "b"}


def test_context_travels_with_the_call(shelf, shelf_store, monkeypatch, tmp_path):
    """Who calls is known also in the thread that reads (checklist 32)."""
    monkeypatch.setenv("TACENDA_AUDIT", str(tmp_path / "audit"))
    shelf.put("x", "example-value")
    store = shelf_store()

    async def main():
        with caller(step="train"):
            await store.aget("x")

    asyncio.run(main())
    assert '"step": "train"' in (tmp_path / "audit").read_text()
