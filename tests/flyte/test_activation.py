"""Installed means active, from `flyte.init()` on, and never in flyte's way."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.flyte


def python(code: str, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_ours_imports_no_sdk() -> None:
    """Each user has one of the two; importing tacenda_flyte imports neither."""
    done = python("import sys, tacenda_flyte; print({'flyte', 'flytekit'} & set(sys.modules))")
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(
    "way",
    ["import flyte; flyte.init()", "import flyte, tacenda_flyte", "import tacenda_flyte, flyte"],
)
def test_active(way) -> None:
    """S2.4: after `flyte.init()`, or with tacenda_flyte imported, everything fits and `flyte.task` is there."""
    done = python(
        f"{way}\nfrom flyte import task, Secret\nfrom tacenda._adapters import problems\nprint(problems('flyte'))"
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("limit", ["none", "flytekit,zenml"])
def test_switched_off(limit) -> None:
    """`TACENDA_ADAPTERS` leaves flyte as it is."""
    code = (
        "import flyte, tacenda_flyte; flyte.init(); from flyte._internal.runtime import taskrunner as t;"
        "print(hasattr(flyte, 'task'), t.run_task.__module__, hasattr(t.run_task, '__tacenda_patch__'))"
    )
    assert python(code, TACENDA_ADAPTERS=limit).stdout == "False flyte._internal.runtime.taskrunner False\n"


def test_task_of_upstream_stays() -> None:
    """A flyte that has a `task` of its own keeps it."""
    code = "import flyte; flyte.task = 'theirs'; flyte.init(); print(flyte.task)"
    assert python(code).stdout == "theirs\n"


def test_unknown_version_is_one_warning() -> None:
    """A flyte whose `run_task` is another one works as without us, and says what is lost."""
    code = (
        "import flyte._internal.runtime.taskrunner as t\n"
        "async def run_task(other): pass\n"
        "t.run_task = run_task\n"
        "import flyte; flyte.init(); print(t.run_task is run_task)"
    )
    done = python(code)
    assert done.stdout.splitlines()[-1] == "True"
    assert (done.stdout + done.stderr).count("tasks get no secrets") == 1, done.stdout + done.stderr


def test_nothing_heavy_is_imported() -> None:
    """With flyte come none but the table of patches and what applies it; `benchmarks` measures their cost."""
    code = (
        "import sys, flyte, flyte._internal.runtime.taskrunner, flyte.report, flyte._persistence, tacenda_flyte\n"
        "print(*sorted(n for n in sys.modules if n.startswith('tacenda') and not n.startswith('tacenda._adapters')))"
    )
    assert python(code).stdout.splitlines()[-1].split() == [
        "tacenda",
        "tacenda_flyte",
        "tacenda_flyte.flyte",
        "tacenda_flyte.flyte._patches",
    ]


def test_fast_path_is_cheap() -> None:
    """A task without secrets costs no import of the core."""
    code = (
        "import sys, asyncio, flyte; flyte.init()\n"
        "env = flyte.TaskEnvironment('x')\n"
        "@env.task\n"
        "async def main() -> int: return 1\n"
        "flyte.run(main)\n"
        "print(sorted(name for name in sys.modules if name in ('tacenda._store', 'tacenda.masking._engine')))"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"
