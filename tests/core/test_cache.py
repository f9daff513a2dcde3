"""What is kept in memory, how long, and for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda import _cache
from tacenda._cache import Cache
from tacenda.errors import AccessDenied, BackendUnavailable, SecretNotFound, Throttled


@pytest.fixture
def store(shelf, shelf_store):
    shelf.put("x", {"k": "example-1"})
    return shelf_store(cache_ttl=60)


def test_hit_asks_nobody(store, shelf):
    """Within the time to live one read serves every form of the name."""
    for _ in range(3):
        store.get("x")
        store.get("x", "k")
        store.get("shelf://x#k")
        store.get_text("x")
    assert shelf.reads() == ["x"]


def test_hit_is_the_same_object(store):
    """Nothing is copied or parsed again."""
    assert store.get("x") is store.get("x")


def test_after_its_time_it_is_read_again(store, shelf, clock):
    """A rotated secret is picked up (S0.74)."""
    store.get("x")
    shelf.put("x", {"k": "example-2"})
    clock.advance(59.9)
    assert store.get("x").k == "example-1"
    clock.advance(0.2)
    assert store.get("x").k == "example-2"
    assert len(shelf.reads()) == 2


def test_fresh_goes_past_the_cache_and_renews_it(store, shelf):
    """`fresh=True` asks now, and what it brings serves the others."""
    store.get("x")
    shelf.put("x", {"k": "example-2"})
    assert store.get("x", fresh=True).k == "example-2"
    assert store.get("x").k == "example-2"
    assert len(shelf.reads()) == 2


def test_zero_is_off(shelf, shelf_store):
    """`cache_ttl: 0` reads every time (C9)."""
    shelf.put("x", "example-1")
    store = shelf_store(cache_ttl=0)
    store.get("x")
    shelf.put("x", "example-2")
    assert store.get("x") == "example-2"
    assert len(shelf.reads()) == 2


def test_zero_serves_nothing_stale(shelf, shelf_store):
    """Without a cache there is nothing to fall back on."""
    shelf.put("x", "example-1")
    store = shelf_store(cache_ttl=0)
    store.get("x")
    shelf.fail(BackendUnavailable("down"))
    with pytest.raises(BackendUnavailable):
        store.get("x")


def test_misses_are_not_kept(store, shelf):
    """A secret that somebody creates is there for the next read."""
    for _ in range(2):
        with pytest.raises(SecretNotFound):
            store.get("new")
    shelf.put("new", "example-new")
    assert store.get("new") == "example-new"
    assert shelf.reads() == ["new"] * 3


def test_versions_are_kept_apart(shelf, shelf_store):
    """One version never answers for another."""
    shelf.put("x", "example-1")
    shelf.put("x", "example-2")
    store = shelf_store({"shelf": "main", "versions": True})
    assert [store.get("x", version=v) for v in ("1", "2", "1", None)] == [f"example-{i}" for i in (1, 2, 1, 2)]
    assert len(shelf.reads()) == 3


def test_close_forgets_and_releases(store, shelf):
    """After `close` no value is in memory; the store can be used again."""
    store.get("x")
    with store:
        pass
    assert shelf.closed == 1
    assert store._answers == {}
    assert store._resolver._documents._kept == {}
    assert store.get("x").k == "example-1"


def test_nothing_is_written_to_disk(store, workplace):
    """The cache is memory only (checklist 26)."""
    store.get("x")
    assert [path for path in workplace.parent.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", [BackendUnavailable, Throttled])
def test_stale_serves_when_the_backend_cannot_be_asked(store, shelf, clock, kind, caplog):
    """An outage does not stop a running job; the log says so."""
    store.get("x")
    clock.advance(61)
    shelf.fail(kind("down"))
    assert store.get("x").k == "example-1"
    assert "shelf://x cannot be asked now; an earlier read serves" in caplog.text


@pytest.mark.parametrize("kind", [AccessDenied, SecretNotFound])
def test_stale_never_hides_an_answer(store, shelf, clock, kind):
    """A secret that was deleted or taken away is not served from memory."""
    store.get("x")
    clock.advance(61)
    shelf.fail(kind("the backend's answer"))
    with pytest.raises(kind):
        store.get("x")


def test_stale_has_a_limit(store, shelf, clock):
    """An hour past its time a value is no longer served."""
    store.get("x")
    shelf.fail(BackendUnavailable("down"))
    clock.advance(60 + _cache.STALE_LIMIT - 1)
    assert store.get("x").k == "example-1"
    clock.advance(_cache.STALE_PAUSE + 2)
    with pytest.raises(BackendUnavailable):
        store.get("x")


def test_stale_asks_again_after_a_pause(store, shelf, clock):
    """The backend is tried again soon, not on every read, and its return is noticed."""
    store.get("x")
    clock.advance(61)
    shelf.fail(BackendUnavailable("down"))
    for _ in range(5):
        store.get("x")
    assert len(shelf.reads()) == 2
    shelf.fail(None)
    shelf.put("x", {"k": "example-2"})
    clock.advance(_cache.STALE_PAUSE + 1)
    assert store.get("x").k == "example-2"


def test_fresh_never_serves_stale(store, shelf):
    """Who asks for the truth of now gets it or an error."""
    store.get("x")
    shelf.fail(BackendUnavailable("down"))
    with pytest.raises(BackendUnavailable):
        store.get("x", fresh=True)


def read_patience(cache):
    """Return what a read is told: whether waiting for the backend is worth it."""
    told = []

    def read(patient):
        told.append(patient)
        raise BackendUnavailable("down")

    try:
        cache.get("k", read)
    except BackendUnavailable:
        told.append("failed")
    return told


def test_waiting_is_worth_it_only_without_a_stale_value(clock):
    """With a value at hand nobody waits 180 s; with one that is too old, the wait is worth it again."""
    cache: Cache[str] = Cache(60)
    assert read_patience(cache) == [True, "failed"]
    cache.get("k", lambda patient: "example")
    clock.advance(61)
    assert read_patience(cache) == [False]
    clock.advance(_cache.STALE_LIMIT + 1)
    assert read_patience(cache) == [True, "failed"]


@given(st.lists(st.sampled_from(["read", "write", "tick", "fresh"]), max_size=30))
def test_cache_never_returns_a_value_older_than_allowed(steps):
    """Against a simple model: never older than its time to live, and never from before a write."""
    now = [0.0]
    truth, written_at = 0, 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cache, "monotonic", lambda: now[0])
        cache: Cache[tuple[int, float]] = Cache(10)
        for step in steps:
            if step == "tick":
                now[0] += 4
                truth += 1
            elif step == "write":
                truth, written_at = truth + 1, now[0]
                cache.clear()
            else:
                fresh = step == "fresh"
                value, read_at = cache.get("k", lambda patient: (truth, now[0]), fresh=fresh).value  # noqa: B023
                assert now[0] - read_at < 10
                assert read_at >= written_at
                assert not fresh or value == truth


def test_put_from_before_a_write_is_dropped():
    """A batch that was read before a write does not bring the old value back."""
    cache: Cache[str] = Cache(60)
    generation = cache.generation
    cache.clear()
    cache.put("k", "example-old", generation)
    assert not cache.serves("k")
    cache.put("k", "example-new", cache.generation)
    assert cache.serves("k")


def test_fresh_renews_every_view_of_the_document(store, shelf):
    """After `fresh=True` no key of the document is older than the document itself."""
    assert store.get("x", "k") == "example-1"
    shelf.put("x", {"k": "example-2"})
    store.get("x", fresh=True)
    assert store.get("x", "k") == store.get("x#k") == "example-2"
