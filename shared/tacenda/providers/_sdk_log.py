"""What SDKs log of requests and answers, values among them, before anybody could mask it: during our calls, nothing."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping

__all__ = ["quiet"]


class _Calls(threading.local):
    ours = 0


_CALLS = _Calls()
_UP_TO: dict[str, int] = {}


@contextlib.contextmanager
def quiet(loggers: Mapping[str, int]) -> Iterator[None]:
    """Keep this thread's calls out of some loggers; other threads and other calls log as before.

    Args:
        loggers: each logger's name, and up to which level it is silent.
    """
    for name in loggers.keys() - _UP_TO.keys():
        logging.getLogger(name).addFilter(_passes)
    _UP_TO.update(loggers)
    _CALLS.ours += 1
    try:
        yield
    finally:
        _CALLS.ours -= 1


def _passes(record: logging.LogRecord) -> bool:
    return not _CALLS.ours or record.levelno > _UP_TO[record.name]
