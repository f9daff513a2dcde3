"""Faults on demand: denials, quotas, outages and corrupted answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from tacenda.testing._gcp._errors import Refused, permission_denied, quota_exceeded
from tacenda.testing._gcp._names import Resource, parse

__all__ = ["Fault", "Faults"]


class Fault:
    """A fault that holds from its making on, until `end`, which the end of a `with` block calls too.

    Args:
        end: undoes it.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def end(self) -> None:
        """Undo the fault; a second call does nothing."""
        end, self._end = self._end, None
        if end:
            end()


class Faults:
    """The faults in force; each is asked before a request is served."""

    def __init__(self) -> None:
        self._checks: list[Callable[[str, str, str, Resource], Refused | None]] = []
        self._corrupted: list[str | Resource] = []

    def clear(self) -> None:
        """End all of them."""
        self._checks.clear()
        self._corrupted.clear()

    def check(self, metric: str, permission: str, name: str, resource: Resource) -> None:
        """Raise the first fault that concerns a request.

        Args:
            metric: the quota that it counts for: `Access`, `Read` or `Write`.
            permission: the permission that it needs.
            name: the resource as the request names it.
            resource: the resource.
        """
        for check in list(self._checks):
            refused = check(metric, permission, name, resource)
            if refused:
                raise refused

    def corrupts(self, resource: Resource) -> bool:
        """Return whether the answer about a secret is to be damaged."""
        return _concerns(resource, self._corrupted)

    def deny(self, names: tuple[str, ...]) -> Fault:
        """Deny every request about these secrets, or about anything if none is named."""
        secrets = [_secret(name) for name in names]

        def check(_metric: str, permission: str, name: str, resource: Resource) -> Refused | None:
            return permission_denied(permission, name) if not secrets or _concerns(resource, secrets) else None

        return self._add(check)

    def throttle(self, seconds: float | None, retry_after: float | None) -> Fault:
        """Answer RESOURCE_EXHAUSTED for some time."""
        over = _deadline(seconds)

        def check(metric: str, _permission: str, _name: str, resource: Resource) -> Refused | None:
            return None if over() else quota_exceeded(metric, resource.project, retry_after)

        return self._add(check)

    def fail(self, seconds: float | None) -> Fault:
        """Answer UNAVAILABLE for some time."""
        over = _deadline(seconds)

        def check(*request: Any) -> Refused | None:
            unavailable = Refused(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
            return None if over() else unavailable

        return self._add(check)

    def corrupt(self, name: str) -> Fault:
        """Damage the payload of a secret on its way; the checksum stays what it was."""
        secret = _secret(name)
        self._corrupted.append(secret)
        return Fault(lambda: self._corrupted.remove(secret) if secret in self._corrupted else None)

    def _add(self, check: Callable[[str, str, str, Resource], Refused | None]) -> Fault:
        self._checks.append(check)
        return Fault(lambda: self._checks.remove(check) if check in self._checks else None)


def _secret(name: str) -> str | Resource:
    """Return a secret's id as it is, and a full name as the resource: it may have the project's id or number."""
    return parse(name, "secret") if "/" in name else name


def _concerns(resource: Resource, secrets: Sequence[str | Resource]) -> bool:
    return resource.secret is not None and bool({resource.secret, resource.without_version()} & set(secrets))


def _deadline(seconds: float | None) -> Callable[[], bool]:
    end = None if seconds is None else time.monotonic() + seconds
    return lambda: end is not None and time.monotonic() >= end
