"""Processes that are started by a masked one and read secrets of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tacenda

READS = (
    "from tacenda.masking import registry; registry().add('example-of-the-child'); print('child example-of-the-child')"
)

STARTS = f"""
import subprocess, sys, tacenda.masking
tacenda.masking.install()
subprocess.run([sys.executable, "-c", {READS!r}], check=True)
"""

SPAWNS = """
import multiprocessing, sys, tacenda.masking
def work():
    tacenda.masking.registry().add("example-of-the-child")
    print("child example-of-the-child")
if __name__ == "__main__":
    tacenda.masking.install()
    worker = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    worker.start()
    worker.join()
"""


def output_of(*command: str, code: int = 0, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(tacenda.__file__).parents[1]), **variables}
    done = subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == code
    return done.stdout


def test_subprocess():
    """A program that is started after `install()` masks what it reads itself."""
    assert output_of("-c", STARTS) == "child [masked]\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, tmp_path):
    """So does a worker, however it is started."""
    program = tmp_path / "program.py"
    program.write_text(SPAWNS)
    assert output_of(str(program), method) == "child [masked]\n"


def test_environment_variable():
    """With TACENDA_MASKING=1 a program that knows nothing of masking is masked; with another value it is not."""
    assert output_of("-c", READS, TACENDA_MASKING="1") == "child [masked]\n"
    assert output_of("-c", READS, TACENDA_MASKING="0") == "child example-of-the-child\n"


def test_a_hook_that_came_later_is_covered():
    """An exception hook that was set after `install()`, as Rich and typer do, gets the masked exception too."""
    program = """
import sys, tacenda.masking
tacenda.masking.install()
sys.excepthook = lambda kind, error, traceback: print("hook", *str(error), flush=True)  # letter by letter
tacenda.masking.registry().add("example-of-the-child")
raise RuntimeError("example-of-the-child")
"""
    assert output_of("-c", program, code=1) == f"hook {' '.join('[masked]')}\n"
