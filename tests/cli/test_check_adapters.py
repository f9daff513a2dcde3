"""`tacenda check` on orchestrators: which are installed, and whether tacenda is at work in each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from command_line import Cli

from tacenda.cli import _adapters

ORCHESTRATORS = {
    "metaflow": "@secrets",
    "flytekit": "current_context().secrets",
    "flyte": "TaskEnvironment(secrets=...)",
    "zenml": "context.stack.secrets_manager",
    "flowyml": "get_secrets_provider",
}
RUNS_HOOKS = """
from importlib.metadata import entry_points
print("welcome to", __name__)
for hook in entry_points(group="zenml.init_hooks"):
    hook.load()()
"""


@pytest.fixture
def active(cli: Cli) -> Cli:
    """The command, with every adapter active."""
    del cli.environment["TACENDA_ADAPTERS"]
    return cli


@pytest.fixture
def zenml(cli: Cli) -> Cli:
    """The command, with ZenML's adapter active and directories `fake` and `site` on the way to modules."""
    path = [str(cli.directory / name) for name in ("fake", "site")]
    cli.environment["PYTHONPATH"] = os.pathsep.join([*path, cli.environment.get("PYTHONPATH", "")])
    cli.environment["TACENDA_ADAPTERS"] = "zenml"
    return cli


def fake(cli: Cli, text: str) -> dict[str, object]:
    """Put something in place of ZenML, and return what `check` finds."""
    cli.write("fake/zenml/__init__.py", text)
    return adapter(cli, "zenml")


def adapter(cli: Cli, name: str, **variables: str) -> dict[str, object]:
    report = json.loads(cli("check", "--json", **variables).ok().out)
    [found] = [found for found in report["adapters"] if found["orchestrator"] == name]
    assert list(found) == ["orchestrator", "version", "active", "note", "wrong"]
    warned = any(text.startswith(f"{name} is installed") for text in report["warnings"])
    assert warned == found["wrong"]
    return found


# -- the real ones ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [[*ORCHESTRATORS][:4], pytest.param(["flowyml"], marks=pytest.mark.flowyml)], ids=["four", "flowyml"]
)
def test_active(active: Cli, names: list[str]):
    """Each installed orchestrator is asked, in a process of its own, whether tacenda serves its idiom."""
    if sys.version_info >= (3, 13):
        names = [name for name in names if name != "flytekit"]
    done = json.loads(active("check", "--json").ok().out)
    found = {one["orchestrator"]: one for one in done["adapters"]}
    assert list(found) == names
    for name in names:
        assert found[name]["active"], found[name]
        assert found[name]["note"] == f"{ORCHESTRATORS[name]} is tacenda's"
        assert found[name]["version"]
    assert not [warning for warning in done["warnings"] if "is installed" in warning]
    assert not list(active.directory.glob(".zen*")), "asking leaves nothing behind"


@pytest.mark.parametrize(
    ("limit", "note"),
    [("none", ""), ("flowyml", ""), ("airflow, zen", ", in which 'airflow', 'zen' is no adapter")],
)
def test_switched_off(active: Cli, limit: str, note: str):
    """`TACENDA_ADAPTERS` is named as the reason when it leaves an orchestrator out; only a misspelled name is wrong."""
    for name in ("metaflow", "flytekit", "flyte", "zenml"):
        if name == "flytekit" and sys.version_info >= (3, 13):
            continue
        found = adapter(active, name, TACENDA_ADAPTERS=limit)
        assert not found["active"]
        assert found["note"] == f"switched off by TACENDA_ADAPTERS={limit}{note}"
        assert found["wrong"] == bool(note)


@pytest.mark.metaflow
def test_limit_names_it(active: Cli):
    """Those that `TACENDA_ADAPTERS` names are asked."""
    assert adapter(active, "metaflow", TACENDA_ADAPTERS="prefect, metaflow")["active"]


@pytest.mark.metaflow
def test_working_directory_is_not_imported(active: Cli):
    """A file of the user's that is called metaflow.py is not run by `check`."""
    active.write("metaflow.py", "open('ran', 'w')")
    assert adapter(active, "metaflow", TACENDA_ADAPTERS="metaflow")["active"]
    assert not (active.directory / "ran").exists()


def test_text(zenml: Cli):
    """For people it is a line for each, and a warning for what is not as it should be."""
    zenml.write("fake/zenml/__init__.py", "raise RuntimeError")
    done = zenml("check").ok()
    assert ": not active (it cannot be imported: RuntimeError)\n" in done.out
    assert "warning: zenml is installed, and tacenda does not serve its secrets: it cannot" in done.out


# -- what can be wrong --------------------------------------------------------------------------------------


def test_cannot_be_imported(zenml: Cli):
    """An orchestrator that cannot be imported is a warning; an error's text, which may hold a value, is not told."""
    found = fake(zenml, "raise RuntimeError('example-value')")
    assert not found["active"]
    assert found["note"] == "it cannot be imported: RuntimeError"
    assert fake(zenml, "import nowhere")["note"].endswith("ModuleNotFoundError: No module named 'nowhere'")
    assert fake(zenml, "raise SystemExit")["note"] == "it cannot be imported: SystemExit"


def test_process_dies(zenml: Cli):
    """An orchestrator whose import ends the process is told as such."""
    note = fake(zenml, "import os; os._exit(7)")["note"]
    assert note == "it cannot be imported: the process that tried ended with 7"


def test_does_not_know_our_way_in(zenml: Cli):
    """A version that loads no entry points is told which one does."""
    found = fake(zenml, "")
    assert not found["active"]
    assert found["note"] == "it has not loaded tacenda's adapter, which needs zenml 0.94.1 or newer"


def test_not_installed_as_a_package(zenml: Cli):
    """Where tacenda's code is, but not its entry points, that is told."""
    zenml.write("site/sitecustomize.py", "import importlib.metadata as m\nm.entry_points = lambda **query: ()\n")
    assert "tacenda's entry point zenml.init_hooks is missing: install tacenda" in fake(zenml, "")["note"]


def test_adapter_cannot_be_imported(zenml: Cli):
    """An adapter that cannot be imported is told, with the error that the orchestrator has swallowed."""
    zenml.write("fake/tacenda_zenml/__init__.py", "raise ImportError('planted')")
    assert fake(zenml, "")["note"] == "tacenda's adapter cannot be imported: ImportError: planted"


def test_unknown_version(zenml: Cli):
    """An adapter that does not find all that it changes is active, and what is lost is listed; chatter is no answer."""
    found = fake(zenml, RUNS_HOOKS)
    assert found["active"]
    assert found["wrong"]
    assert "No module named 'zenml." in found["note"]


def test_takes_too_long(monkeypatch: pytest.MonkeyPatch):
    """An import that does not end is given up."""
    monkeypatch.setattr(_adapters, "_PATIENCE", 0.5)
    endless = _adapters._ORCHESTRATORS[1]._replace(trigger="import time; time.sleep(60)")
    assert _adapters._ask(endless) == "importing it takes too long"


def test_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Orchestrators are imported at the same time, for each takes seconds: here each waits for the others."""
    meet = "import os, time; open(str(os.getpid()), 'w'); end = time.time() + 30\n    while len(os.listdir()) < 3: "
    meet += "time.sleep(0.01 if time.time() < end else 1 / 0)"
    several = [_adapters._ORCHESTRATORS[1]._replace(name=name, trigger=meet) for name in ("pytest", "pip", "click")]
    monkeypatch.setattr(_adapters, "_ORCHESTRATORS", several)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TACENDA_ADAPTERS", raising=False)
    assert [found.note.partition(":")[0] for found in _adapters.adapters()] == [
        "it has not loaded tacenda's adapter, which needs pytest 1.15 or newer",
        "it has not loaded tacenda's adapter, which needs pip 1.15 or newer",
        "it has not loaded tacenda's adapter, which needs click 1.15 or newer",
    ]
