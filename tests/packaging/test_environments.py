"""Two environments, one set of tests: each test runs in one of them, and what cannot run here is said."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).parents[1]
TREE = {
    "core/test_core.py": "import pytest\ndef test_core(): pass\n@pytest.mark.flowyml\ndef test_core_flowyml(): pass\n",
    "core/test_plain.py": "import of_this_environment_only\ndef test_plain(): pass\n",
    "flowyml/test_pipelines.py": "import pytest, flowyml\npytestmark = pytest.mark.flowyml\ndef test_pipe(): pass\n",
    "zenml/conftest.py": "import of_this_environment_only\n",
    "zenml/test_steps.py": "import pytest\npytestmark = pytest.mark.zenml\ndef test_step(): pass\n",
}


@pytest.mark.parametrize("orchestrator", ["flytekit", "flyte", "zenml", "flowyml"])
def test_marked(orchestrator: str):
    """Every test of an orchestrator has its marker, by which the environment is chosen."""
    files = [*TESTS.joinpath(orchestrator).rglob("test_*.py")]
    assert files
    assert [file.name for file in files if f"mark.{orchestrator}" not in file.read_text()] == []


def collected(directory: Path, module: str) -> tuple[set[str], str]:
    """Return the tests that the project's conftest lets run where a module is, and all that pytest says."""
    for name, text in {**TREE, f"site/{module}.py": "", "conftest.py": (TESTS / "conftest.py").read_text()}.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    # By its file: what is installed here must not count.
    hidden = f"import sys\nsys.modules.update(dict.fromkeys({{'flowyml'}} - {{{module!r}}}))\n"
    (directory / "site" / "sitecustomize.py").write_text(hidden)
    path = [str(directory / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", "-c", os.devnull, directory],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return {line.strip()[10:-1] for line in done.stdout.splitlines() if "<Function" in line}, done.stdout


def test_without_flowyml(tmp_path: Path):
    """Beside the other orchestrators FlowyML's tests are left out, in its directory and elsewhere, and that is said."""
    tests, said = collected(tmp_path, "of_this_environment_only")
    assert tests == {"test_core", "test_plain", "test_step"}
    assert "tacenda: without flowyml: its tests run in an environment of their own\n" in said
    assert "1 deselected" in said


def test_beside_flowyml(tmp_path: Path):
    """In FlowyML's environment its tests are run, wherever they are, and files without one are not even imported."""
    tests, said = collected(tmp_path, "flowyml")
    assert tests == {"test_core_flowyml", "test_pipe"}
    assert "tacenda: only what is marked flowyml\n" in said


@pytest.mark.parametrize(
    ("tests", "codes", "expected", "code"),
    [
        ("tests", (0, 0), ["tests --pyargs tacenda", "tests"], 0),
        ("tests", (0, 5), ["tests --pyargs tacenda", "tests"], 5),
        ("tests", (1, 0), ["tests --pyargs tacenda", "tests"], 1),
        ("tests/core", (0, 1), ["tests/core --pyargs tacenda"], 0),
        ("tests/flowyml", (0, 0), ["--pyargs tacenda", "tests/flowyml"], 0),
        ("tests/flowyml tests/core -k one", (0, 5), ["tests/core -k one --pyargs tacenda", "tests/flowyml -k one"], 0),
    ],
)
def test_make_test(tmp_path: Path, tests: str, codes: tuple[int, int], expected: list[str], code: int):
    """`make test` gives each environment what it can run, runs both, and fails if one fails or all of it is gone."""
    for name, ends in zip(("env", "env-flowyml"), codes, strict=True):
        pytest_ = tmp_path / name / "bin" / "pytest"
        pytest_.parent.mkdir(parents=True)
        pytest_.write_text(f'#!/bin/sh\necho "{name}: $*"\nexit {ends}\n')
        pytest_.chmod(0o755)
    script = TESTS.parent / ".ci" / "test"
    done = subprocess.run([script, tmp_path / "env", *tests.split()], capture_output=True, text=True, check=False)
    given = [line.partition("--dist loadfile ")[2] for line in done.stdout.splitlines() if line.startswith("env")]
    assert given == expected
    assert done.returncode == code


@pytest.mark.parametrize(("version", "left_out"), [((3, 12), ["flowyml"]), ((3, 13), ["flowyml", "flytekit"])])
def test_python_without_flytekit(version: tuple[int, int], left_out: list[str], monkeypatch: pytest.MonkeyPatch):
    """From Python 3.13 on, for which there is no flytekit, its tests are left out too, and a line says so."""
    monkeypatch.setattr(sys, "version_info", version)
    spec = importlib.util.spec_from_file_location("conftest_anew", TESTS / "conftest.py")
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    monkeypatch.setattr(conftest, "FLOWYML_HERE", False)
    config = SimpleNamespace(getoption=lambda option: False)
    *said, endpoints = [line.split(":")[1] for line in conftest.pytest_report_header(config)]
    assert said == [f" without {name}" for name in left_out]
    assert endpoints == " without endpoints of your own"
    for name in left_out:
        assert conftest.pytest_ignore_collect(TESTS / name, config)
    assert not conftest.pytest_ignore_collect(TESTS / "zenml", config)
