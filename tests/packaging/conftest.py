"""A real wheel, and clean environments that it is installed into."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("adapters", "shared", "pyproject.toml", "README.md", "LICENSE")


def run(*command: str | Path, **options: object) -> str:
    """Return what a command printed; an exit code other than 0 is an error that shows it."""
    done = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Return a function that builds a directory's wheel with the setuptools that is installed here."""

    def make(source: Path) -> Path:
        target = tmp_path_factory.mktemp("wheel")
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, source)
        return next(target.glob("*.whl"))

    return make


@pytest.fixture(scope="session")
def wheel(build: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy of its sources."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, copy)
    return build(copy)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a clean virtual environment with pip and returns its interpreter."""
    uv = next((path for path in (ROOT / ".tools" / "uv", shutil.which("uv")) if path and Path(path).exists()), None)
    assert uv, "these tests need uv on PATH, or run them with `make test`"

    def make(*requirements: str | Path) -> Path:
        home = tmp_path_factory.mktemp("environment")
        run(uv, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, home)
        python = home / "bin" / "python"
        if requirements:
            run(uv, "pip", "install", "--quiet", "--python", python, *requirements)
        return python

    return make
