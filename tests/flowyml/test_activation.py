"""Installed means active, and importing FlowyML never breaks, nor takes much along, through us."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.flowyml

PROBLEMS = "import flowyml\nfrom tacenda._adapters import problems\nprint(problems('flowyml'))\n"


def test_silent(python):
    """With warnings as errors and all logging shown, `import flowyml` says nothing and has all it had."""
    program = (
        "import logging, warnings\nlogging.basicConfig(level=1)\nwarnings.simplefilter('error')\n"
        # Of Google's SDK, which FlowyML imports.
        "warnings.filterwarnings('ignore', 'You are using a (non-supported )?Python version')\n"
    )
    done = python(program + PROBLEMS + "flowyml.Pipeline, flowyml.StackDefinition, flowyml.use_stack\n")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stdout
    assert "tacenda" not in done.stdout.replace(str(done.args), "")


def test_switched_off(python):
    """TACENDA_ADAPTERS without flowyml leaves FlowyML's own code in place."""
    program = "from flowyml.stacks.enterprise.secrets import get_secrets_provider as get\nprint(get.__module__, get)\n"
    done = python(PROBLEMS + program + "print(type(get('env')).__name__)", TACENDA_ADAPTERS="metaflow")
    assert "None" in done.stdout
    assert "documented_factory" not in done.stdout
    assert "EnvSecretsProvider" in done.stdout


def test_another_flowyml(python):
    """Where FlowyML has changed, that one thing is left out with a warning, and the rest works."""
    program = """
import logging
logging.basicConfig(level=logging.WARNING)
import sys, types
from importlib.abc import MetaPathFinder
from tacenda._adapters import when_imported
def change(module):
    del module.LogCapture.write
    module.LocalExecutor.execute_step = lambda self, task: None
when_imported("flowyml.core.executor", change)
"""
    done = python(
        program + PROBLEMS + "from flowyml.stacks.enterprise.secrets import get_secrets_provider as get\nget({})"
    )
    assert done.returncode == 0, done.stdout
    assert "LogCapture.write is gone; known to fit flowyml 2.2" in done.stdout
    assert "LocalExecutor.execute_step has no parameter step" in done.stdout


def test_hook_imports_little(python):
    """What FlowyML loads of ours imports none of FlowyML, no yaml, no click, no hvac."""
    modules = ("flowyml", "yaml", "click", "hvac", "tacenda._store")
    done = python(f"import sys, tacenda_flowyml\nprint([name for name in {modules} if name in sys.modules])")
    assert done.stdout == "[]\n"


def test_core_is_not_imported(python):
    """Importing FlowyML imports of tacenda only what patches it: no store, no provider, no masking."""
    program = "import sys, flowyml\nprint(sorted(name for name in sys.modules if name.startswith('tacenda')))\n"
    done = python(program)
    found = set(re.findall(r"'([\w.]+)'", done.stdout))
    assert "tacenda_flowyml._patches" in found
    allowed = {"tacenda", "tacenda_flowyml"}
    assert {name for name in found if name.split(".")[0] == "tacenda"} <= allowed | {
        name for name in found if name.startswith("tacenda._adapters")
    }
