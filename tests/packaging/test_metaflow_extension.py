"""The wheel beside Metaflow and somebody else's extension, whole and with a broken core."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "another-extension"
version = "1.0"
[tool.setuptools.packages.find]
include = ["metaflow_extensions.*"]
namespaces = true
"""
PLUGIN = "STEP_DECORATORS_DESC = [('another', '.another.AnotherDecorator')]\n"
DECORATOR = (
    "from metaflow.decorators import StepDecorator\nclass AnotherDecorator(StepDecorator):\n    name = 'another'\n"
)
WHOSE = """
from metaflow.plugins import STEP_DECORATORS
print(*sorted(each.__module__ for each in STEP_DECORATORS if each.name in ("another", "secrets")))
"""
FLOW = """
from metaflow import FlowSpec, another, current, secrets, step
class BothFlow(FlowSpec):
    @another
    @secrets(sources=["api-keys"])
    @step
    def start(self):
        print("read", current.secrets.api_keys["API_KEY"] == "example-value")
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    BothFlow()
"""
FILES = {"tacenda.yaml": "stacks: {dev: {secrets: {provider: env}}}"}
VALUE = '{"API_KEY": "example-value"}'


def run_python(interpreter: Path, code: str, *arguments: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [interpreter, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=variables,
    )
    return done.returncode, done.stdout.strip()


@pytest.fixture(scope="module")
def interpreter(environment, build, wheel, tmp_path_factory) -> Path:
    """A clean environment with Metaflow, our wheel and another extension's."""
    another = tmp_path_factory.mktemp("another")
    plugins = another / "metaflow_extensions" / "another" / "plugins"
    plugins.mkdir(parents=True)
    (another / "pyproject.toml").write_text(PYPROJECT)
    (plugins / "mfextinit_another.py").write_text(PLUGIN)
    (plugins / "another.py").write_text(DECORATOR)
    return environment(f"{wheel}[metaflow]", build(another))


def test_beside_another_extension(interpreter: Path, run_flow: Callable[..., subprocess.CompletedProcess[str]]):
    """Installed beside another setuptools-built extension, both work in one flow."""
    ours = "metaflow_extensions.tacenda.plugins.secrets_decorator"
    assert run_python(interpreter, WHOSE) == (0, f"metaflow_extensions.another.plugins.another {ours}")
    done = run_flow(FLOW, FILES, python=interpreter, API_KEYS=VALUE)
    assert done.returncode == 0, done.stdout
    assert "read True" in done.stdout


@pytest.mark.parametrize("module", ["__init__.py", "_store.py", "_values.py"])
def test_broken_core(interpreter: Path, run_flow: Callable[..., subprocess.CompletedProcess[str]], module: str):
    """With a broken core `import metaflow` still works, and a step with @secrets fails with a clear message."""
    file = next(interpreter.parents[1].glob(f"lib/python*/site-packages/tacenda/{module}"))
    sound = file.read_text()
    file.write_text("raise ImportError('planted')\n")
    try:
        imported = run_python(interpreter, "import metaflow")
        done = run_flow(FLOW, FILES, python=interpreter, API_KEYS=VALUE)
    finally:
        file.write_text(sound)
    assert imported == (0, "")
    assert done.returncode == 1
    assert "@secrets is served by tacenda, which cannot be imported: ImportError: planted" in done.stdout


INLINE_FLOW = """
import os
from metaflow import FlowSpec, current, secrets, step
class InlineFlow(FlowSpec):
    @secrets(sources=[{"type": "inline", "id": "x", "options": {"env_vars": {"INLINE": "example"}}}])
    @step
    def start(self):
        print("injected", os.environ["INLINE"] == "example")
        print(current.secrets)
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    InlineFlow()
"""


def test_without_core(interpreter: Path, run_flow: Callable[..., subprocess.CompletedProcess[str]]):
    """Where only the extension is, as in a remote container, what is Metaflow's own works as without tacenda."""
    core = next(interpreter.parents[1].glob("lib/python*/site-packages/tacenda"))
    aside = core.rename(core.with_name("aside"))
    try:
        done = run_flow(INLINE_FLOW, {}, python=interpreter)
    finally:
        aside.rename(core)
    assert "injected True" in done.stdout, done.stdout
    assert "tacenda, which cannot be imported: ModuleNotFoundError: No module named 'tacenda'" in done.stdout


def test_adapters_switch(interpreter: Path):
    """TACENDA_ADAPTERS=none leaves Metaflow's own @secrets in place."""
    both = "metaflow.plugins.secrets.secrets_decorator metaflow_extensions.another.plugins.another"
    assert run_python(interpreter, WHOSE, TACENDA_ADAPTERS="none") == (0, both)


def test_older_metaflow(environment: Callable[..., Path], wheel: Path):
    """Beside a Metaflow that is too old for our @secrets, its own serves; its import warns, and so does `check`."""
    interpreter = environment(wheel, "metaflow==2.15.0")
    code, text = run_python(interpreter, WHOSE)
    assert (code, text.split()[-1]) == (0, "metaflow.plugins.secrets.secrets_decorator")
    assert "it needs Metaflow 2.15.20 or newer" in text
    _, report = run_python(interpreter, "from tacenda.cli import main; main()", "check")
    assert "warning: metaflow is installed, and tacenda does not serve its secrets" in report
    assert "needs metaflow 2.15.20" in report
