"""Putting the masking on and taking it off, as often as one likes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tacenda


def run(programs, *arguments: str, **options) -> list[str]:
    done = programs.run("installing.py", *arguments, **options)
    assert (done.stderr or b"") == b""
    assert done.returncode == 0
    return (done.stdout or b"").decode().splitlines()


def test_nothing_starts_before_there_is_something_to_mask(programs):
    """Neither the import nor `install()` starts anything or touches a descriptor; the first value does."""
    assert run(programs, "nothing") == ["True", "example-token-4711", "False"]


def test_import_stays_cheap():
    """Importing the masking loads nothing that only its hooks and processes need."""
    code = "import sys, tacenda.masking; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", code]  # without what an installation of Python loads by itself
    environment = {**os.environ, "PYTHONPATH": str(Path(tacenda.__file__).parents[1])}
    loaded = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert not {"subprocess", "socket", "logging", "traceback", "asyncio", "fcntl", "termios", "pty"} & set(
        loaded.split()
    )


def test_installing_twice(programs):
    """A second `install()` changes nothing: there is one helper, and one pipe."""
    assert run(programs, "twice") == ["True [masked]"]


def test_values_that_were_registered_before(programs):
    """What was read before `install()` is masked from then on."""
    assert run(programs, "values_first") == ["True [masked]"]


def test_installing_that_fails(programs):
    """Values are there and the helper does not start: `install()` raises, changes nothing, and can be repeated."""
    assert run(programs, "values_first_but_no_helper") == ["api-keys False True", "[masked]"]


def test_uninstalling_restores(programs):
    """What was written before arrives masked; the descriptors are the old ones; then it starts anew."""
    assert run(programs, "and_back") == [
        line
        for number in range(3)
        for line in ("example-[masked]", f"{number} False [masked]", f"{number} True example-token-4711")
    ]


def test_what_somebody_else_redirected_stays(programs):
    """`uninstall()` puts back only what still is as `install()` left it."""
    assert run(programs, "redirected_since", stderr=subprocess.STDOUT) == ["True"]


def test_child_that_outlives_the_installation(programs):
    """A child that was started masked stays masked."""
    lines = run(programs, "left_to_a_child")
    assert sorted(lines) == ["child [masked]", "masked [masked]", "plain example-token-4711"]


def test_uninstalling_in_a_forked_child(programs):
    """A forked child may take it off for itself alone."""
    assert run(programs, "in_a_forked_child") == ["child example-token-4711", "parent [masked]"]


@pytest.mark.parametrize("closed", [1, 2])
def test_descriptor_closed_at_start(programs, closed):
    """A program that is started without stdout or stderr still has the other one masked, and the closed one closed."""
    shell = f'"$0" "$1" closed_at_start {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", shell, sys.executable, programs.path("installing.py")],
        capture_output=True,
        env=programs.environment,
        check=True,
    )
    lines = (done.stdout + done.stderr).decode().splitlines()
    assert sorted(lines) == sorted([f"{3 - closed} [masked]", "[Errno 9] Bad file descriptor"])


def test_status(programs):
    """`tacenda check` can say what is masked here and why the rest is not."""
    idle = "Level(active=False, why_not='install() was not called')"
    active = "Level(active=True, why_not=None)"
    *told, without_python = run(programs, "tells")
    assert told == [idle] * 3 + [active] * 3
    assert without_python.startswith("Level(active=False, why_not='there is no Python interpreter to start")
