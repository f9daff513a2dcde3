"""Orchestrators beside tacenda as it is installed here: imported as users do, with tacenda whole and broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import pytest
from programs import run


class Orchestrator(NamedTuple):
    """An orchestrator: how users import it so that it looks for plug-ins, and where it looks."""

    name: str
    trigger: str
    group: str


ORCHESTRATORS = [
    Orchestrator("flytekit", "import flytekit", "flytekit.plugins"),
    Orchestrator("flyte", "import flyte.types; flyte.types._load_custom_type_transformers()", "flyte.plugins.types"),
    Orchestrator("zenml", "import zenml", "zenml.init_hooks"),
    Orchestrator("flowyml", "import flowyml", "flowyml.stack_components"),
]
METAFLOW = Orchestrator("metaflow", "import metaflow.plugins", "")


def marked(*orchestrators: Orchestrator) -> pytest.MarkDecorator:
    """Parametrize over orchestrators, each under its own marker: pytest.mark.flowyml and the like."""
    rows = [pytest.param(each, marks=getattr(pytest.mark, each.name), id=each.name) for each in orchestrators]
    return pytest.mark.parametrize("orchestrator", rows)


def python(code: str, home: Path, *site: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program, in a home of its own, with the lines of `site` run before it as sitecustomize."""
    (home / "sitecustomize.py").write_text("\n".join(site))
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    return run("python", "-c", code, home=home, PYTHONPATH=path, **variables)


@marked(*ORCHESTRATORS)
def test_entry_point_leads_somewhere(orchestrator: Orchestrator):
    """The installed entry point is one, and what it names can be imported."""
    [hook] = [hook for hook in entry_points(group=orchestrator.group) if hook.name == "tacenda"]
    assert hook.load()


PLANT = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            open("reached", "w").close()
            raise {error}("planted")
sys.meta_path.insert(0, Broken())
"""
DOCUMENTED = {"flytekit.core.secrets"}
"""Modules that we make, because a page says that they exist."""

WHOLE = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"


@pytest.mark.slow
@marked(*ORCHESTRATORS)  # Metaflow comes to the core when a flow runs: test_metaflow_extension.py
@pytest.mark.parametrize(
    ("module", "error"),
    [("tacenda", "ModuleNotFoundError"), ("tacenda._adapters._activation", "RuntimeError")],
    ids=["gone", "broken"],
)
def test_broken_core(orchestrator: Orchestrator, tmp_path: Path, module: str, error: str):
    """With a core that is gone, or raises what it should not, the orchestrator is imported as ever."""
    done = python(orchestrator.trigger, tmp_path, PLANT.format(module=module, error=error))
    assert (tmp_path / "reached").exists(), "it never comes to what is broken"
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
@marked(*ORCHESTRATORS, METAFLOW)
def test_import_is_light(orchestrator: Orchestrator, tmp_path: Path):
    """With the import of an orchestrator come a few small modules of ours, and through us nothing of others."""
    ours, bare = (
        set(json.loads(python(orchestrator.trigger + WHOLE, tmp_path, TACENDA_ADAPTERS=limit).stdout.splitlines()[-1]))
        for limit in ("", "none")
    )
    added = {name for name in ours - bare if name.partition(".")[0] not in sys.stdlib_module_names}
    assert any("tacenda" in name for name in ours), "it is not active"
    assert not {name for name in added if not name.startswith(("tacenda", "metaflow_extensions"))} - DOCUMENTED
    heavy = ("_store", "_process", "_config", "_registry", "_resolve", "providers", "masking", "cli", "testing")
    assert not [name for name in ours if name.startswith("tacenda.") and name.split(".")[1] in heavy]
