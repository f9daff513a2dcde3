"""Which orchestrators are installed, and whether tacenda is at work in them: told without importing them here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

__all__ = ["Adapter", "adapters"]

TACENDA_ADAPTERS = "TACENDA_ADAPTERS"
"""The environment variable that limits which adapters are active."""

_ORCHESTRATORS = ("metaflow", "flytekit", "flyte", "zenml", "flowyml")
_PATIENCE = 60.0  # seconds that an orchestrator may take to be imported

# '' is the working directory, where a file of the user's could be called metaflow.py.
_METAFLOW = """
import sys
sys.path[:] = [place for place in sys.path if place]
from metaflow.plugins import STEP_DECORATORS
print(*(decorator.__module__ for decorator in STEP_DECORATORS if decorator.name == "secrets"))
"""


class Adapter(NamedTuple):
    """An installed orchestrator.

    Attributes:
        orchestrator: its distribution's name.
        version: its version.
        active: whether tacenda serves its secrets.
        note: why not, or how it was told.
        wrong: whether that is not as it should be.
    """

    orchestrator: str
    version: str
    active: bool
    note: str
    wrong: bool = False


def adapters() -> list[Adapter]:
    """Return the orchestrators that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in _ORCHESTRATORS:
        try:
            found.append(_adapter(name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _adapter(name: str, version: str) -> Adapter:
    if name != "metaflow":
        return Adapter(name, version, active=False, note="this release has no adapter for it")
    limit = os.environ.get(TACENDA_ADAPTERS)
    if limit and name not in limit.replace(" ", "").split(","):
        return Adapter(name, version, active=False, note=f"switched off by {TACENDA_ADAPTERS}={limit}")
    return _metaflow(version)


def _metaflow(version: str) -> Adapter:
    try:
        done = subprocess.run(  # noqa: S603 - fixed
            [sys.executable, "-c", _METAFLOW], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return Adapter("metaflow", version, active=False, note="importing it takes too long", wrong=True)
    if done.returncode:
        return Adapter("metaflow", version, active=False, note="it cannot be imported", wrong=True)
    home = done.stdout.split()[-1] if done.stdout.split() else "nowhere"
    if home.startswith("metaflow_extensions.tacenda."):
        return Adapter("metaflow", version, active=True, note="@secrets is tacenda's")
    note = f"@secrets comes from {home}; tacenda's needs Metaflow 2.15.20 or newer"
    return Adapter("metaflow", version, active=False, note=note, wrong=True)
