"""Fixtures for the tests of the core: a place of one's own, a backend in memory, a clock, and other processes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shelf_backend import SHELVES, Shelf

import tacenda
from tacenda import _process
from tacenda.masking import Masker

HERE = Path(__file__).parent
OURS = Path(tacenda.__file__).parents[1]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_registry: Masker) -> Iterator[Path]:
    """An empty working directory in an empty home, with a masker that knows nothing."""
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    monkeypatch.setattr(_process, "_STORES", {})
    SHELVES.clear()
    yield work
    logging.getLogger("tacenda.audit").setLevel(logging.NOTSET)


@pytest.fixture
def shelf() -> Shelf:
    """The shelf that `shelf_store()` reads from."""
    return SHELVES["main"]


@pytest.fixture
def shelf_store() -> Iterator[Callable[..., tacenda.SecretStore]]:
    """Return a function that opens a store; its arguments are settings of the stack, `entry` those of its provider."""
    stores = []

    def build(*entries: dict[str, Any], entry: dict[str, Any] | None = None, **stack: Any) -> tacenda.SecretStore:
        chain = [{"provider": "shelf", **one} for one in entries] or [{"provider": "shelf", "shelf": "main"}]
        chain[0] = {**chain[0], **(entry or {})}
        store = tacenda.open_store(config={"stacks": {"test": {"secrets": chain, "deadline": 0, **stack}}})
        stores.append(store)
        return store

    yield build
    for store in stores:
        store.close()


class Clock:
    """Time that passes on demand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the cache goes by."""
    clock = Clock()
    monkeypatch.setattr("tacenda._cache.monotonic", clock)
    monkeypatch.setattr("tacenda._store.monotonic", clock)
    return clock


@pytest.fixture
def python() -> Callable[..., str]:
    """Return a function that runs Python code in a process of its own and returns what it printed."""

    def run(code: str, **variables: str) -> str:
        done = in_python(code, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def python_failing() -> Callable[..., str]:
    """Return a function that runs Python code that fails, and returns what it printed, errors too."""

    def run(code: str, **variables: str) -> str:
        done = in_python(code, **variables)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def in_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(OURS), str(HERE), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
