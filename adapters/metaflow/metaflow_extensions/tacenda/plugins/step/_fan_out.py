"""A wide foreach: its tasks start at once, and must not all be at the backend in the same second.

Locally Metaflow starts a few at a time (`--max-workers`). Kubernetes, Batch, Argo and the like start a thousand
together, and a backend answers a thousand reads in one second with throttling. So there each task waits a random
time first: about a hundred tasks read in a second, and nobody waits for more than ten. A foreach of less than
twenty does not wait.
"""

from __future__ import annotations

import math
import os
import random
import time
from typing import Any

from metaflow.exception import MetaflowException

__all__ = ["START_JITTER", "is_elsewhere", "longest_wait", "spread_start"]

START_JITTER = "TACENDA_START_JITTER"
"""The environment variable for the longest wait of a wide foreach, in seconds; 0 is none. It holds locally too."""

_NARROW = 20
_PER_TASK = 0.01
_LONGEST = 10.0


def spread_start(flow: Any) -> None:
    """Wait a random time, if this task is one of many that have started at once. Before secrets are fetched."""
    longest = longest_wait(flow)
    if longest > 0:
        time.sleep(random.uniform(0, longest))  # noqa: S311 - no cryptography


def longest_wait(flow: Any) -> float:
    """Return how long this task may wait, in seconds.

    Args:
        flow: the flow in the task. Its foreach stack has a frame for each foreach that the task is in.

    Raises:
        MetaflowException: if `TACENDA_START_JITTER` is no number of seconds.
    """
    setting = os.environ.get(START_JITTER, "")
    chosen = _seconds(setting) if setting else None
    # Not foreach_stack(), which loads the values of each split. A frame of unbounded foreach has no number.
    tasks = math.prod(frame.num_splits or 1 for frame in getattr(flow, "_foreach_stack", None) or ())
    if tasks < _NARROW:
        return 0.0
    if chosen is not None:
        return chosen
    return min(tasks * _PER_TASK, _LONGEST) if is_elsewhere() else 0.0


def is_elsewhere() -> bool:
    """Return whether this task runs on another machine than the one that has started the run."""
    return os.environ.get("METAFLOW_RUNTIME_ENVIRONMENT", "local") != "local"


def _seconds(setting: str) -> float:
    try:
        seconds = float(setting)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise MetaflowException(f"{START_JITTER} must be a number of seconds, 0 or more")
    return seconds
