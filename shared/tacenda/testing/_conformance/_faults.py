"""What goes wrong is told apart, bridged where that is worth it, and shows no value."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tacenda._errors import AccessDenied, BackendUnavailable, Throttled
from tacenda.testing._conformance._base import ConformanceBase, Opener, Put, needs, refused

if TYPE_CHECKING:
    from tacenda.testing._conformance._harness import Harness

__all__ = ["FaultTests"]

THREADS = 16


class FaultTests(ConformanceBase):
    """Denied, down, throttled, login expired. The stores are opened anew: nothing may come from memory."""

    @needs("denied")
    def test_denied(self, opener: Opener, put: Put, harness: Harness) -> None:
        """Denied is not missing: no default stands in for it, and the message says what to check."""
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        store = opener()
        with harness.denied("kit-text"):
            error = refused(AccessDenied, lambda: store.get("kit-text"), value)
            refused(AccessDenied, lambda: store.get("kit-text", default=None), value)
        assert error.hint
        assert store.get("kit-text", fresh=True) == value

    @needs("down")
    def test_down(self, opener: Opener, put: Put, harness: Harness) -> None:
        """Unreachable is not missing: no default stands in for it, also not for a list or a write."""
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        store = opener(deadline=0.2)
        with harness.down():
            refused(BackendUnavailable, lambda: store.get("kit-text"), value)
            refused(BackendUnavailable, lambda: store.get("kit-text", default=None), value)
            if harness.capabilities.list:
                refused(BackendUnavailable, lambda: list(store.list()), value)
            if harness.capabilities.write:
                refused(BackendUnavailable, lambda: store.set("kit-text", "other"), value)
        assert store.get("kit-text", fresh=True) == value

    @needs("down")
    def test_a_short_outage_is_bridged(self, opener: Opener, put: Put, harness: Harness) -> None:
        """A backend that comes back within the deadline is waited for."""
        put("kit-text", "example")
        store = opener(deadline=20)
        found = []
        reader = threading.Thread(target=lambda: found.append(store.get("kit-text")))
        with harness.down():
            reader.start()
            time.sleep(0.5)
            assert not found
        reader.join(20)
        assert found == ["example"]

    @needs("throttled")
    def test_throttled_then_fine(self, opener: Opener, put: Put, harness: Harness) -> None:
        """Too many requests are repeated later, without anybody noticing."""
        put("kit-text", "example")
        store = opener(deadline=30)
        with harness.throttled(briefly=True):
            assert store.get("kit-text") == "example"

    @needs("throttled")
    def test_throttled_past_the_deadline(self, opener: Opener, put: Put, harness: Harness) -> None:
        """When the deadline is over, the error says that it was the quota."""
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        store = opener(deadline=1)
        with harness.throttled(briefly=False):
            started = time.monotonic()
            error = refused(Throttled, lambda: store.get("kit-text", default=None), value)
            assert time.monotonic() - started < 5  # the deadline, and a slow machine
        assert error.retry_for > 0

    @needs("expired")
    def test_expired_login(self, opener: Opener, put: Put, harness: Harness) -> None:
        """A login whose time is up is renewed, also when 16 threads find out at once."""
        put("kit-text", "example")
        store = opener()
        assert store.get("kit-text") == "example"
        harness.expire_login()
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda _: store.get("kit-text", fresh=True), range(THREADS)))
        assert found == ["example"] * THREADS
