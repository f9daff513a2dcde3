"""What goes wrong on request: too many requests, and a service that is there but cannot answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tacenda.testing._azure._messages import ServiceError

__all__ = ["Faults"]

_THROTTLED = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
_UNAVAILABLE = "The service is temporarily unavailable. Please try again later."


class Faults:
    """The faults that are on at present.

    Attributes:
        delay: how long each request is held back, in seconds.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self._refusals: list[tuple[float, ServiceError]] = []

    def check(self) -> None:
        """Raise ServiceError as long as a fault is on."""
        now = time.monotonic()
        for end, refusal in list(self._refusals):
            if now < end:
                raise refusal

    def throttled(self, seconds: float, retry_after: float | None) -> contextlib.AbstractContextManager[None]:
        """Refuse with 429 for some seconds, at most during the block."""
        return self._refusing(429, "Throttled", _THROTTLED, seconds, retry_after)

    def unavailable(self, seconds: float, retry_after: float | None) -> contextlib.AbstractContextManager[None]:
        """Refuse with 503 for some seconds, at most during the block."""
        return self._refusing(503, "ServiceUnavailable", _UNAVAILABLE, seconds, retry_after)

    @contextlib.contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Hold each request back during the block."""
        before, self.delay = self.delay, seconds
        try:
            yield
        finally:
            self.delay = before

    @contextlib.contextmanager
    def _refusing(self, status: int, code: str, text: str, seconds: float, retry_after: float | None) -> Iterator[None]:
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        entry = time.monotonic() + seconds, ServiceError(status, code, text, headers=headers)
        self._refusals.append(entry)
        try:
            yield
        finally:
            self._refusals.remove(entry)
