"""Installed means active, without harm: `import flytekit` never breaks through us, and brings in next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.flytekit, pytest.mark.slow]

STATE = "import flytekit; from tacenda._adapters import problems; print('problems:', problems('flytekit'))"


@pytest.mark.parametrize(
    ("limit", "said"), [("", "problems: []"), ("zenml, flytekit", "problems: []"), ("none", "problems: None")]
)
def test_active(run_program, tmp_path: Path, limit: str, said: str):
    """Every patch is applied, or none with TACENDA_ADAPTERS; then flytekit is as without tacenda."""
    program = f"{STATE}; import importlib.util as u; print('module:', u.find_spec('flytekit.core.secrets') is not None)"
    done = run_program(tmp_path, "python", "-c", program, TACENDA_ADAPTERS=limit)
    assert said in done.stdout
    assert f"module: {limit != 'none'}" in done.stdout


def test_before_flytekit(run_program, tmp_path: Path):
    """The adapter can be imported before flytekit: the patches wait for it."""
    program = f"import tacenda_flyte.flytekit, sys; assert 'flytekit' not in sys.modules; {STATE}"
    done = run_program(tmp_path, "python", "-c", f"{program}; from flytekit.core.secrets import SecretsManager")
    assert (done.returncode, done.stdout) == (0, "problems: []\n")


@pytest.mark.parametrize(
    "broken",
    [
        "sys.modules['tacenda_flyte.flytekit._patches'] = None",
        "sys.modules['tacenda_flyte.flytekit._documented'] = None",
        "import flytekit.core.context_manager as c; c.SecretsManager.get = lambda self: 'other'",
        "import flytekit.models.core.errors as e; del e.ContainerError",
    ],
)
def test_a_broken_adapter(run_program, tmp_path: Path, broken: str):
    """Whatever is wrong is one log warning; flytekit is imported and works."""
    program = f"""
import os, sys
os.environ["TACENDA_ADAPTERS"] = "none"
import flytekit
os.environ["TACENDA_ADAPTERS"] = "flytekit"
for name in [name for name in sys.modules if name.startswith("tacenda")]:
    del sys.modules[name]
{broken}
import tacenda_flyte.flytekit
@flytekit.task
def fine(number: int) -> int:
    return number
print(fine(number=1))
"""
    tmp_path.joinpath("program.py").write_text(program)  # flytekit wants to see a task's source
    done = run_program(tmp_path, "python", "program.py")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1] == "1"
    assert [line for line in lines if line.startswith("tacenda's adapter for flytekit:")] == lines[:-1] != []


def test_nothing_heavy_is_imported(run_program, tmp_path: Path):
    """With flytekit come none but the table of patches and what applies it; `benchmarks` measures their cost."""
    program = "import flytekit, sys; print(*sorted(name for name in sys.modules if name.startswith('tacenda')))"
    done = run_program(tmp_path, "python", "-c", program)
    assert [name for name in done.stdout.splitlines()[-1].split() if not name.startswith("tacenda._adapters")] == [
        "tacenda",
        "tacenda_flyte",
        "tacenda_flyte.flytekit",
        "tacenda_flyte.flytekit._documented",
        "tacenda_flyte.flytekit._patches",
    ]


def test_without_secrets(run_program, tmp_path: Path):
    """A task that reads no secret starts no helper and imports no store; a workflow runs as ever."""
    program = """
import flytekit, sys
@flytekit.task
def double(number: int) -> int:
    return 2 * number
@flytekit.workflow
def twice(number: int) -> int:
    return double(number=double(number=number))
assert twice(number=2) == 8
assert "tacenda._store" not in sys.modules and "tacenda.masking._output" not in sys.modules
"""
    tmp_path.joinpath("program.py").write_text(program)
    done = run_program(tmp_path, "python", "program.py")
    assert (done.returncode, done.stdout) == (0, "")
