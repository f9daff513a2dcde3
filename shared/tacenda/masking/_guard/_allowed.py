"""Exempting an output from the guard, where storing the value is what somebody wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["allow_leak", "leak_allowed"]

Function = TypeVar("Function", bound=Callable[..., Any])

_ALLOWED = "__tacenda_allow_leak__"


def allow_leak(*outputs: str) -> Callable[[Function], Function]:
    """Let a task or step store secret values in its outputs, which the adapters refuse otherwise.

    Args:
        outputs: the names of the outputs, as the orchestrator calls them; none means all of them.

    Returns:
        A decorator that stands below the orchestrator's own.

    Raises:
        TypeError: if it is used without parentheses.

    Example:
        >>> @allow_leak("token")
        ... def renew_token() -> str: ...
        >>> leak_allowed(renew_token, "token"), leak_allowed(renew_token, "log")
        (True, False)
    """
    if any(not isinstance(output, str) for output in outputs):
        raise TypeError("write @allow_leak() with parentheses, or with the names of outputs in them")

    def allow(function: Function) -> Function:
        setattr(function, _ALLOWED, frozenset(outputs))
        return function

    return allow


def leak_allowed(function: object, output: str) -> bool:
    """Return whether `allow_leak` exempts an output of a function."""
    allowed: frozenset[str] | None = getattr(function, _ALLOWED, None)
    return allowed is not None and (not allowed or output in allowed)
