"""Repeating by deadline: as long as the error says that it is worth it, never longer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda._retry import retry
from tacenda.errors import AccessDenied, BackendUnavailable, SecretNotFound, Throttled


class World:
    """A clock that sleeping moves, and a call that fails for a while."""

    def __init__(self, error, failures=None, lasts=0.0):
        self.now, self.waits, self.calls, self.notices = 0.0, [], 0, []
        self.error, self.failures, self.lasts = error, failures, lasts

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def call(self):
        self.calls += 1
        self.now += self.lasts
        if self.failures is not None and self.calls > self.failures:
            return "example"
        raise self.error

    def run(self, deadline=None):
        notice = lambda error, left: self.notices.append((error, left, self.now))  # noqa: E731
        return retry(self.call, deadline=deadline, notice=notice, clock=self.clock, sleep=self.sleep)


def throttled(**options):
    return Throttled("slow down", retry_for=180.0, **options)


def test_success_is_one_call():
    """Nothing is repeated that worked."""
    world = World(throttled(), failures=0)
    assert (world.run(), world.calls, world.waits) == ("example", 1, [])


@pytest.mark.parametrize("error", [AccessDenied("no"), SecretNotFound("no"), BackendUnavailable("sealed")])
def test_errors_that_time_does_not_heal_end_at_once(error):
    """Denied and missing are never repeated."""
    world = World(error)
    with pytest.raises(type(error)):
        world.run()
    assert (world.calls, world.waits) == (1, [])


def test_other_exceptions_end_at_once():
    """A bug is not repeated."""
    world = World(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        world.run()
    assert world.calls == 1


@pytest.mark.parametrize(("seconds", "error"), [(180.0, throttled()), (10.0, BackendUnavailable("x", retry_for=10.0))])
def test_repeated_until_the_deadline(seconds, error):
    """180 s on throttling, 10 s on a refused connection: used, and never exceeded."""
    world = World(error)
    with pytest.raises(type(error)) as caught:
        world.run()
    assert caught.value is error
    assert seconds - 16 <= world.now <= seconds


@pytest.mark.parametrize("deadline", [0.0, 0.04, 1.0, 30.0])
def test_a_shorter_deadline_wins(deadline):
    """`deadline` caps every error's worth; 0 means one attempt."""
    world = World(throttled())
    with pytest.raises(Throttled):
        world.run(deadline)
    assert world.now <= deadline
    assert world.calls == 1 or deadline > 0.04


def test_a_longer_deadline_does_not_prolong():
    """`deadline` is the most, not the least."""
    world = World(BackendUnavailable("refused", retry_for=10.0))
    with pytest.raises(BackendUnavailable):
        world.run(1000.0)
    assert world.now <= 10.0


def test_slow_calls_count():
    """The time that the calls themselves take is part of the deadline."""
    world = World(BackendUnavailable("timed out", retry_for=10.0), lasts=6.0)
    with pytest.raises(BackendUnavailable):
        world.run()
    assert world.calls == 2


def test_it_works_again():
    """Throttled, then fine: the caller sees only the value."""
    world = World(throttled(), failures=5)
    assert world.run() == "example"
    assert world.calls == 6


@given(st.integers(0, 2**32))
def test_waits_have_equal_jitter_and_a_cap(seed):
    """The nth wait is between half and all of 0.1 s × 2ⁿ, never more than 16 s."""
    random.seed(seed)
    world = World(throttled())
    with pytest.raises(Throttled):
        world.run()
    for number, wait in enumerate(world.waits):
        full = min(0.1 * 2**number, 16.0)
        assert full / 2 <= wait <= full
    assert max(world.waits) <= 16.0


def test_callers_do_not_come_back_together():
    """A hundred callers that fail at once are spread over the wait."""
    firsts = set()
    for _ in range(100):
        world = World(throttled(), failures=1)
        world.run()
        firsts.add(round(world.waits[0], 6))
    assert len(firsts) > 50


def test_the_backends_own_wish_is_honored():
    """Retry-After is waited for, also where it is longer than our own wait."""
    world = World(throttled(retry_after=40.0), failures=2)
    assert world.run() == "example"
    assert world.waits == [40.0, 40.0]


def test_a_wish_beyond_the_deadline_ends_at_once():
    """Nobody sleeps only to fail afterwards."""
    world = World(throttled(retry_after=200.0))
    with pytest.raises(Throttled):
        world.run()
    assert (world.calls, world.now) == (1, 0.0)


def test_one_notice_after_three_seconds():
    """People learn once why nothing happens, and for how long at most."""
    world = World(throttled())
    with pytest.raises(Throttled):
        world.run()
    ((error, left, at),) = world.notices
    assert error is world.error
    assert 0 < at <= 3.0
    assert left == pytest.approx(180.0 - at)


def test_no_notice_for_short_trouble():
    """A hiccup is not worth a line."""
    world = World(throttled(), failures=3)
    world.run()
    assert world.notices == []


def test_store_tells_the_log_once(shelf, shelf_store, caplog, monkeypatch):
    """The notice of a store names the trouble, not the value; TACENDA_DEADLINE caps the wait."""
    monkeypatch.setenv("TACENDA_DEADLINE", "30")
    monkeypatch.setattr(
        "tacenda._chain.retry", lambda call, **o: retry(call, **o, sleep=World(None).sleep, clock=iter_clock())
    )
    shelf.fail(throttled())
    with pytest.raises(Throttled):
        shelf_store(deadline=60).get("x")
    lines = [record.getMessage() for record in caplog.records if record.name == "tacenda"]
    assert len(lines) == 1
    assert lines[0].startswith("still trying, for ")
    assert lines[0].endswith("slow down")


def iter_clock():
    seconds = iter(range(1000))
    return lambda: float(next(seconds))


@given(st.integers(0, 2**32))
def test_most_of_the_time_is_used(seed):
    """A server that restarts within 6 s of the 10 that a refused connection is worth is reached."""
    random.seed(seed)
    world = World(BackendUnavailable("refused", retry_for=10.0))
    with pytest.raises(BackendUnavailable):
        world.run()
    assert 6.0 <= world.now <= 10.0
