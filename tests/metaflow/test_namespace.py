"""The namespace of a run in the names of secrets: `f"api-keys-{current.namespace}"`, and `{namespace}`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow import current, metaflow_config, namespace
from metaflow.client import core
from steps import clean_step, failure, start_step  # noqa: F401

from metaflow_extensions.tacenda.plugins.sources._namespace import legal, run_namespace
from tacenda._naming import CONVENTIONS

pytestmark = pytest.mark.usefixtures("clean_step")

FLOW = """
import json
from metaflow import FlowSpec, Parameter, current, secrets, step
class NamespaceFlow(FlowSpec):
    @secrets(sources=[f"api-keys-{current.namespace}", "other-{namespace}"])
    @step
    def start(self):
        found = current.secrets["other-{namespace}"]
        assert found == next(value for name, value in current.secrets.items() if name.startswith("api-keys-"))
        assert [name for name in current.secrets if "other" in name] == ["other-{namespace}"]
        print("FACTS", json.dumps({"names": sorted(current.secrets), "in a task": str(current.namespace)}))
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    NamespaceFlow()
"""
WHERE = {
    "tester": ("run",),
    "prod": ("run", "--namespace=prod"),
}


@pytest.mark.metaflow
@pytest.mark.parametrize("name", WHERE)
def test_flow(run_flow: Any, name: str):
    """The f-string of the page asks for another secret in each namespace, without `user:` (S1.53, S1.54)."""
    stored = {f"{start}-{each}": f"example-of-{each}" for start in ("api-keys", "other") for each in WHERE}
    config = "stacks: {dev: {secrets: {provider: local, path: s.json}}}"
    done = run_flow(FLOW, {"tacenda.yaml": config, "s.json": json.dumps(stored)}, arguments=WHERE[name])
    assert done.returncode == 0, done.stdout
    facts = json.loads(done.stdout.partition("FACTS ")[2].partition("\n")[0])
    # In a task, `current.namespace` is what Metaflow has always said there.
    assert facts == {"names": [f"api-keys-{name}", "other-{namespace}"], "in a task": "user:tester"}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets the command line; the user is `ana`."""
    monkeypatch.setenv("METAFLOW_USER", "ana")
    monkeypatch.setattr(metaflow_config, "USER", "ana")
    monkeypatch.setattr(core, "current_namespace", False)
    return lambda *arguments: monkeypatch.setattr(sys, "argv", ["flow.py", *arguments])


def test_command_line(command: Any):
    """The namespace of the command line is known while the flow is imported; the last counts; else the user's own."""
    command("run", "--namespace", "dev")
    assert (current.namespace, f"{current.namespace}") == ("dev", "dev")
    command("run", "--namespace=user:eve", "--namespace=user:bob.c")
    assert (current.namespace, f"{current.namespace}") == ("user:bob.c", "bob-c")
    assert f"{current.namespace:>8}" == "   bob-c"
    command("run")
    assert (current.namespace, f"{current.namespace}") == ("user:ana", "ana")
    command("--namespace")
    assert run_namespace() == "user:ana"


def test_chosen_by_the_flow(command: Any):
    """A namespace that the flow's own code has chosen counts where the command line names none."""
    command("run")
    namespace("production:flow-0-abcd")
    assert f"{current.namespace}" == "production-flow-0-abcd"
    command("run", "--namespace", "dev")
    assert f"{current.namespace}" == "dev"


def test_global_namespace(command: Any):
    """The global namespace is None, as ever; `{namespace}` cannot be a part of a name then, and that is said."""
    command("run", "--namespace=")
    assert current.namespace is None
    message = failure("api-keys-{namespace}")
    assert "'api-keys-{namespace}' needs the namespace of the run" in message
    assert "--namespace NAME" in message


def test_nobody(command: Any, monkeypatch: pytest.MonkeyPatch):
    """Where Metaflow does not know the user, `current.namespace` is None as ever, and no import fails."""
    command("run")
    for variable in ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER", "LOGNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(metaflow_config, "USER", None)
    monkeypatch.setenv("USER", "root")
    assert current.namespace is None


def test_in_a_task(command: Any, monkeypatch: pytest.MonkeyPatch):
    """In a task `current.namespace` is upstream's, whatever the command line says."""
    command("step", "--namespace", "dev")
    monkeypatch.setattr(current, "_namespace", "user:tester")
    assert (current.namespace, f"{current.namespace}") == ("user:tester", "user:tester")


def test_short_name(command: Any, tmp_path: Path):
    """`current.secrets` answers to the source as written, and to what it has become."""
    command("run", "--namespace", "dev")
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: s.json}}}")
    (tmp_path / "s.json").write_text('{"api-keys-dev": {"API_KEY": "example-dev"}, "token-dev": "example-token"}')
    view = start_step("api-keys-{namespace}", {"id": "token-{namespace}"})
    assert list(view) == ["api-keys-{namespace}", "token-{namespace}"]
    assert view["api-keys-{namespace}"] is view["api-keys-dev"] is view.api_keys_dev
    assert view["token-dev"] == "example-token"


@given(st.text(min_size=1, max_size=40))
def test_legal(text: str):
    """What is made of a namespace can be part of a name in every cloud, and stays as it is when done twice."""
    made = legal(f"user:{text}")
    assert legal(made) == made
    for convention in ("aws", "azure", "gcp", "vault"):
        assert CONVENTIONS[convention].allows(f"api-keys-{made}")
