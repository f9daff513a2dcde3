"""Upstream's own tests, at the tag of the version that is installed: fetched for the run, never committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fetching import ELSEWHERE, download, unpack
from suites import SUITES

ROOT = Path(__file__).parents[2]
# What their tests import, and tacenda's do not.
NEEDED = ["mock", "py", "pytest-asyncio", "pytest-mock", "backports-asyncio-runner; python_version < '3.11'"]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that brings a distribution's tests here, as new files each time, and returns their place."""

    def bring(distribution: str) -> Path:
        suite = SUITES[distribution]
        target = tmp_path_factory.mktemp("upstream") / suite.name
        if elsewhere := os.environ.get(ELSEWHERE):
            shutil.copytree(Path(elsewhere) / suite.name / suite.directory, target / suite.directory)
        else:
            unpack(download(suite.archive(distribution)), target, suite.directory)
        return target

    return bring


@pytest.fixture(scope="session")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what upstream's tests need besides, away from the environment that tacenda is tested in."""
    target = tmp_path_factory.mktemp("needed")
    uv = next((path for path in (ROOT / ".tools" / "uv", shutil.which("uv")) if path and Path(path).exists()), None)
    assert uv, "these tests need uv on PATH, or run them with `make test-extra`"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", target, *NEEDED],
        check=True,
    )
    return target
