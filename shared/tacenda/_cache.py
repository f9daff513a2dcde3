"""Documents in memory for a while, and one backend call however many threads ask at once. Nothing on disk."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

from tacenda._errors import BackendUnavailable, SecretError, SecretNotFound, Throttled

__all__ = ["Cache", "Cached"]

STALE_LIMIT = 3600.0
"""How long past its time a value may still serve when the backend cannot be asked, in seconds."""
STALE_PAUSE = 10.0
"""How long a stale value serves before the backend is asked again, in seconds."""

T = TypeVar("T")


class Cached(NamedTuple):
    """A kept value.

    Attributes:
        value: what was read.
        expires: until when it serves without asking, on the monotonic clock, in seconds.
        read: when it was read, on the same clock.
        stale: whether it serves only because the backend could not be asked.
        version: the version that the value turned out to be, where that is known.
        place: where it was, as messages show it.
    """

    value: Any
    expires: float
    read: float
    stale: bool = False
    version: str | None = None
    place: str = ""


class _Flight:
    """One running call that other threads wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Cached | None = None
        self.failure: BaseException | None = None


class Cache(Generic[T]):
    """Keeps values for `ttl` seconds, reads each once at a time, and serves stale ones when all else fails.

    Args:
        ttl: how long a value serves, in seconds; 0 keeps nothing, and then nothing stale is served.
    """

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._kept: dict[Hashable, Cached] = {}
        self.reset()

    def reset(self) -> None:
        """Make fresh locks and forget running calls: those of the parent never end in a forked child."""
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}
        self._generation = 0

    def clear(self) -> None:
        """Forget everything, also what calls now running will bring: they may have read before a write."""
        with self._lock:
            self._kept.clear()
            self._flights.clear()
            self._generation += 1

    def get(self, key: Hashable, read: Callable[[bool], T], *, fresh: bool = False) -> Cached:
        """Return the kept value, or what `read` returns; threads that ask meanwhile share that one call.

        Args:
            key: what is read.
            read: reads it from the backend; its argument says whether waiting for the backend is worth it, which it
                is not while a stale value is at hand.
            fresh: past what is kept, and with a call of its own.
        """
        if fresh:
            return self._fresh(key, read)
        with self._lock:
            kept = self._serving(key)
            if kept is not None:
                return kept
            flight = self._flights.get(key)
            if flight is None:
                mine = self._flights[key] = _Flight()
                generation = self._generation
        if flight is not None:
            return self._wait(flight)
        return self._lead(key, mine, generation, read)

    def _serving(self, key: Hashable) -> Cached | None:
        kept = self._kept.get(key)
        return kept if kept is not None and monotonic() < kept.expires else None

    def _fresh(self, key: Hashable, read: Callable[[bool], T]) -> Cached:
        generation = self._generation  # of before the read: a write may come between
        try:
            return self._keep(key, read(True), generation)
        except SecretNotFound:
            self._kept.pop(key, None)
            raise

    @property
    def generation(self) -> int:
        """How often it was cleared: what was read before a `clear` is not kept after it."""
        return self._generation

    def serves(self, key: Hashable) -> bool:
        """Return whether a value is kept whose time is not up."""
        return self._serving(key) is not None

    def put(self, key: Hashable, value: T, generation: int) -> Cached:
        """Keep a value that came with a batch, read in that generation, and return it as kept."""
        return self._keep(key, value, generation)

    def _lead(self, key: Hashable, flight: _Flight, generation: int, read: Callable[[bool], T]) -> Cached:
        try:
            flight.result = self._keep(key, read(not self._may_serve_stale(self._kept.get(key))), generation)
        except (BackendUnavailable, Throttled) as error:
            flight.result = self._stale(key)
            if flight.result is None:
                flight.failure = error
                raise
        except BaseException as error:
            flight.failure = error
            raise
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]
            flight.done.set()
        return flight.result

    def _wait(self, flight: _Flight) -> Cached:
        flight.done.wait()
        if flight.result is not None:
            return flight.result
        failure = flight.failure
        if isinstance(failure, SecretError):
            raise copy.copy(failure)  # each thread its own traceback
        raise BackendUnavailable("the read that this thread waited for was interrupted")

    def _keep(self, key: Hashable, value: T, generation: int) -> Cached:
        now = monotonic()
        kept = Cached(value, now + self._ttl, now)
        with self._lock:
            if self._ttl > 0 and generation == self._generation:
                self._kept[key] = kept
        return kept

    def _stale(self, key: Hashable) -> Cached | None:
        now = monotonic()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or not self._may_serve_stale(kept):
                return None
            self._kept[key] = stale = kept._replace(expires=now + STALE_PAUSE, stale=True)
        return stale

    def _may_serve_stale(self, kept: Cached | None) -> bool:
        return kept is not None and monotonic() <= kept.read + self._ttl + STALE_LIMIT
