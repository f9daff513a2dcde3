"""What a broken installation of ours does to Metaflow: a warning, and Metaflow's own `@secrets`; never a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from steps import clean_step, in_a_process  # noqa: F401

pytestmark = [pytest.mark.metaflow, pytest.mark.usefixtures("clean_step")]

BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise {error}
sys.meta_path.insert(0, Broken())
"""
WHOSE = """
import sys
sys.stderr = sys.stdout
from metaflow.plugins import STEP_DECORATORS
print(*{each.__module__ for each in STEP_DECORATORS if each.name == "secrets"})
"""
OWN = "metaflow.plugins.secrets.secrets_decorator"
TACENDAS = "metaflow_extensions.tacenda.plugins.secrets_decorator"
PLUGINS = "metaflow_extensions.tacenda.plugins"


def shown(module: str, error: str, program: str) -> str:
    """Return what a program prints, in whose process importing a module fails."""
    Path("sitecustomize.py").write_text(BROKEN.format(module=module, error=error))
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    return in_a_process(program, PYTHONPATH=path, TACENDA_ADAPTERS="metaflow")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("ModuleNotFoundError('No module named x', name='x')", "ModuleNotFoundError: No module named x; reinstall"),
        ("SyntaxError('invalid syntax')", "SyntaxError: invalid syntax; reinstall tacenda"),
        ("ImportError('it is gone', name='metaflow.plugins')", "it is gone; it needs Metaflow 2.15.20 or newer"),
    ],
)
def test_plugins(error: str, told: str):
    """If our @secrets cannot be imported, Metaflow's own serves, which is said: nothing is masked then."""
    text = shown(f"{PLUGINS}._core", error, WHOSE)
    assert "@secrets is Metaflow's own and nothing is masked" in text
    assert told in text
    assert text.split()[-1] == OWN


def test_check():
    """`tacenda check` says what is broken, and does not blame Metaflow's version."""
    program = "import sys; sys.argv = ['tacenda', 'check']\nfrom tacenda.cli import main\nmain()"
    text = shown(f"{PLUGINS}._core", "ModuleNotFoundError('No module named x', name='x')", program)
    assert "tacenda's adapter cannot be imported: ModuleNotFoundError: No module named x" in text
    assert "2.15.20" not in text


def test_configuration():
    """If our part of Metaflow's configuration is broken, that is said, and Metaflow starts with ours all the same."""
    module = "metaflow_extensions.tacenda.config._documented"
    text = shown(module, "RuntimeError('broken')", WHOSE)
    assert "METAFLOW_SECRETS_BACKEND_TYPE and the like have no effect: RuntimeError: broken" in text
    assert text.split()[-1] == TACENDAS


def test_patches():
    """Without the core, as in a container that lacks it, `@secrets` is ours and the import of Metaflow silent."""
    error = "ModuleNotFoundError('No module named tacenda', name='tacenda')"
    assert shown("tacenda", error, WHOSE).split() == [TACENDAS]
