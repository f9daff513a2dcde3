"""A copy of the examples, so that a run leaves nothing in the checkout."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, somewhere else."""
    copy = tmp_path_factory.mktemp("checkout") / "examples"
    return shutil.copytree(EXAMPLES, copy, ignore=shutil.ignore_patterns(".demo", "__pycache__"))


@pytest.fixture(scope="module")
def demo(examples: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the demo of some orchestrators, whatever the machine is set up for.

    All it prints is in `stdout`. There is no way out to other machines: examples need none.
    """
    nowhere = "http://127.0.0.1:9"
    settings = {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "NO_PROXY": "", "no_proxy": "", "VAULT_ADDR": nowhere}
    settings |= {"TACENDA_STACK": "nowhere", "VAULT_NAMESPACE": "nowhere"}

    def run_demo(*names: str) -> subprocess.CompletedProcess[str]:
        return run("python", "examples/demo.py", *names, home=examples.parent, timeout=500, **settings)

    return run_demo
