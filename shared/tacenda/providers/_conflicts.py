"""What a writer is told when somebody else was there first."""

from __future__ import annotations

from tacenda._errors import Conflict

__all__ = ["exists_already", "others_came_first"]


_REPLACE = "write it without `create` to replace it"


def exists_already(secret: str, hint: str = _REPLACE) -> Conflict:
    """Return the error for `create` where a secret, named by its reference, is there."""
    return Conflict(f"{secret} exists already", name=secret, hint=hint)


def others_came_first(secret: str, times: int) -> Conflict:
    """Return the error for a writer that gives up after so many attempts."""
    return Conflict(f"other writers of {secret} came first {times} times", name=secret)
