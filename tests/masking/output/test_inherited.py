"""Processes that are started by a masked one and read secrets of their own."""

from __future__ import annotations

import pytest


def output_of(programs, *arguments: str, code: int = 0, **variables: str) -> bytes:
    done = programs.run("inherited.py", *arguments, env={**programs.environment, **variables})
    assert done.returncode == code
    return done.stdout


def test_subprocess(programs):
    """A program that is started after `install()` masks what it reads itself."""
    assert output_of(programs, "starts") == b"child [masked]\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(programs, method):
    """So does a worker, however it is started."""
    assert output_of(programs, "works", method) == b"child [masked]\n"


def test_environment_variable(programs):
    """With TACENDA_MASKING=1 a program that knows nothing of masking is masked; with another value it is not."""
    assert output_of(programs, "reads", TACENDA_MASKING="1") == b"child [masked]\n"
    assert output_of(programs, "reads", TACENDA_MASKING="0") == b"child example-of-the-child\n"


def test_a_hook_that_came_later_is_covered(programs):
    """An exception hook that was set after `install()`, as Rich and typer do, gets the masked exception too."""
    assert output_of(programs, "hooks", code=1) == b"hook " + b" ".join(b"%c" % c for c in b"[masked]") + b"\n"
