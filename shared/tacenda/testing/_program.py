"""A test server as a program: how it starts, what it prints, and when it ends."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from tacenda._errors import MissingDependency

__all__ = ["ending", "exports", "started"]

T = TypeVar("T")

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def started(start: Callable[[], T], host: str) -> T:
    """Return a test server.

    Args:
        start: starts it.
        host: the address that it listens on, for the message.

    Raises:
        SystemExit: with a sentence and not a traceback, if a port is taken or a package is missing.
    """
    try:
        return start()
    except OSError as error:
        why = f"cannot listen on {host}: {error.strerror}" if error.strerror else str(error)
    except MissingDependency as error:
        why = str(error)
    raise SystemExit(why)


def ending() -> Callable[[], None]:
    """Let the signals that end a program do so in order from now on; return what waits for one of them."""
    ended = threading.Event()
    for name in _SIGNALS:
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), lambda *_: ended.set())

    def wait() -> None:
        while not ended.wait(60):  # Windows lets no Ctrl-C through to a wait without end
            pass

    return wait


def exports(variables: Mapping[str, str]) -> list[str]:
    """Return the lines that set environment variables in a shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
