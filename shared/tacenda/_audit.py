"""Audit events: who read or wrote which secret, where, when and with what outcome. Never a value.

One JSON object per call to a backend (a cache hit asks nobody and is no event), and per secret that a batch brought,
appended to the file that `TACENDA_AUDIT` names, and sent at level INFO to the logger `tacenda.audit` if that has been
given a level of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from tacenda._errors import ConfigurationError

__all__ = ["TACENDA_AUDIT", "caller", "record", "require_writable"]

TACENDA_AUDIT = "TACENDA_AUDIT"
"""The environment variable that names the audit file."""

_CALLER: ContextVar[Mapping[str, str]] = ContextVar("tacenda_caller", default=MappingProxyType({}))


@contextmanager
def caller(**attributes: str) -> Iterator[None]:
    """Add to every event of this context who calls: an adapter names the flow, run and step.

    Args:
        attributes: names and values as they shall stand in the events, such as `flow="Train"`, `step="start"`.
    """
    token = _CALLER.set({**_CALLER.get(), **attributes})
    try:
        yield
    finally:
        _CALLER.reset(token)


def require_writable() -> None:
    """Raise unless an audit file, if there is to be one, can be written.

    Raises:
        ConfigurationError: naming the file.
    """
    path = os.environ.get(TACENDA_AUDIT)
    if path:
        _append(path, "")


def record(
    action: str,
    reference: str,
    *,
    stack: str,
    backend: str,
    started: float,
    outcome: str = "ok",
    version: str | None = None,
) -> None:
    """Write one event, if anybody listens.

    Args:
        action: `read`, `write`, `delete`, `list` or `info`.
        reference: the place, as `Provider.label` spells it.
        stack: the stack's name.
        backend: the backend's short name.
        started: when the call began, by `time.perf_counter`, in seconds.
        outcome: `ok`, `stale`, or the kind of the error.
        version: the version that a read resolved to, or a write made.
    """
    path = os.environ.get(TACENDA_AUDIT)
    logger = _listening_logger()
    if not path and logger is None:
        return
    import json

    event: dict[str, Any] = {
        **_who(),  # first: what a caller says of itself replaces none of what follows
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z",
        "action": action,
        "reference": reference,
        "stack": stack,
        "backend": backend,
        "version": version,
        "outcome": outcome,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
    }
    line = json.dumps(event, ensure_ascii=False)
    if path:
        _append(path, f"{line}\n")
    if logger is not None:
        logger.info(line)


def _who() -> dict[str, Any]:
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's numeric user without an entry; Windows
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return {"user": user, "host": socket.gethostname(), "pid": os.getpid(), **_CALLER.get()}


def _append(path: str, text: str) -> None:
    # One write to a file opened for appending: lines of several processes do not mix. 0600: names can tell a lot.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = error.strerror
    else:
        return
    raise ConfigurationError(
        f"cannot write the audit file that {TACENDA_AUDIT} names, {path}: {reason}",
        hint=f"see that its directory exists and is writable, or unset {TACENDA_AUDIT}",
    )


def _listening_logger() -> Any:
    # Nobody listens to a module that was never imported: `logging` costs a cold process 10 ms.
    if "logging" not in sys.modules:
        return None
    import logging

    # A level of its own, not an inherited one: ZenML puts the root logger on INFO and shows every line to its users.
    logger = logging.getLogger("tacenda.audit")
    return logger if logger.level and logger.isEnabledFor(logging.INFO) else None
