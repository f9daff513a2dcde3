"""Artifacts in real flows: one that holds a secret fails its task, and what is allowed or holds none is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.metaflow

KEYS = {"API_KEY": "example-key-4711", "HOST": "db.example", "PORT": "54321", "DATABASE": "customers"}
STORED = {"api-keys": KEYS, "other": "example-other-4711", "items": "example-item-4711", "early": "example-early-4711"}
VALUES = [f"example-{name}-4711" for name in ("key", "other", "item", "inline", "early")]
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps(STORED),
}

REFUSED = """
import os
from metaflow import FlowSpec, current, secrets, step
import tacenda
class TestFlow(FlowSpec):
    @secrets(sources=["api-keys"])
    @step
    def start(self):
        self.beside = "a marker beside it"
        self.client = {"headers": [current.secrets.api_keys]}
        self.everything = current.secrets
        self.header = f"Bearer {os.environ['API_KEY']}"
        if os.environ.get("FAILS"):
            raise ValueError("the step's own problem", self.header)
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    TestFlow()
"""


@pytest.mark.parametrize("fails", ["", "1"])
def test_refused(run_flow: Any, leaks_below: Any, tmp_path: Path, fails: str) -> None:
    """The task fails with each artifact and what to do, and nothing of it is stored; its own problem is still told."""
    done = run_flow(REFUSED, FILES, directory=tmp_path, FAILS=fails)
    assert done.returncode == 1
    assert "SecretLeak" in done.stdout
    for name in ("client", "everything", "header"):
        assert f"artifact '{name}' of step 'start' holds the value of" in done.stdout
    assert "api-keys#API_KEY" in done.stdout
    assert "read the secret again" in done.stdout
    assert "allow_leak=['client', 'everything', 'header']" in done.stdout
    assert "Nothing of this task is saved." in done.stdout
    assert ("ValueError: (\"the step's own problem\", 'Bearer [masked]')" in done.stdout) == bool(fails)
    assert not [value for value in VALUES if value in done.stdout]
    assert leaks_below(tmp_path / ".metaflow", [*VALUES, "a marker beside it"]) == {}
    assert not list(tmp_path.glob(".metaflow/TestFlow/*/start/*/*.DONE.lock"))


CONSTANT = """
from metaflow import FlowSpec, Parameter, step
import tacenda
class TestFlow(FlowSpec):
    TOKEN = tacenda.get("other")
    key = Parameter("key", default=str.__str__(tacenda.get("api-keys", "API_KEY")))
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    TestFlow()
"""


def test_parameter(run_flow: Any, leaks_below: Any, tmp_path: Path) -> None:
    """A parameter or an attribute of the flow's class that holds a secret stops the run before its first task."""
    done = run_flow(CONSTANT, FILES, directory=tmp_path)
    assert done.returncode == 1
    assert "artifact 'TOKEN' of the flow" in done.stdout
    assert "artifact 'key' of the flow" in done.stdout
    assert "start" not in [path.name for path in tmp_path.glob(".metaflow/TestFlow/*/*")]
    assert leaks_below(tmp_path / ".metaflow", VALUES) == {}


STORING = """
import json, os
from metaflow import FlowSpec, Run, current, environment, secrets, step
from metaflow.plugins.secrets import get_secret
import tacenda

INLINE = {"type": "inline", "id": "i", "options": {"env_vars": {"INLINE": "example-" + "inline-4711"}}}
ROWS = [("customers", "db.example", 54321), {"host": "db.example"}]

class StoringFlow(FlowSpec):
    @environment(vars={"EARLY": str.__str__(tacenda.get("early"))})
    @secrets(sources=["api-keys", "items", INLINE], allow_leak=["kept", "items"])
    @step
    def start(self):
        self.rows = ROWS
        self.kept = {"key": os.environ["API_KEY"]}
        self.items = ["customers", str.__str__(current.secrets["items"])]
        Run(f"StoringFlow/{current.run_id}").add_tags(["v1", f"key:{os.environ['API_KEY']}"])
        self.next(self.work, foreach="items")

    @secrets(sources=["api-keys", "items"])
    @step
    def work(self):
        self.read = [self.kept["key"] == os.environ["API_KEY"], self.input == os.environ["items"]]
        self.same = self.foreach_stack()[0][2] == self.input
        self.next(self.join)

    @tacenda.masking.allow_leak("renewed")
    @step
    def join(self, inputs):
        self.renewed = str.__str__(tacenda.get("other"))
        self.all = [each.read for each in inputs], [each.same for each in inputs]
        self.merge_artifacts(inputs, exclude=["read"])
        self.next(self.end)

    @step
    def end(self):
        content = get_secret({"type": "inline", "id": "i", "options": {"env_vars": {"INLINE": os.environ["SEEN"]}}})
        print("from Metaflow's provider:", content["INLINE"])
        print("FACTS", json.dumps({"all": self.all, "rows": self.rows == ROWS, "kept": self.kept["key"][:7]}))

if __name__ == "__main__":
    StoringFlow()
"""


class Stored:
    """A run that stores what it may."""

    def __init__(self, output: str, directory: Path) -> None:
        self.output = output
        self.directory = directory
        self.facts: dict[str, Any] = json.loads(output.partition("] FACTS ")[2].partition("\n")[0])


@pytest.fixture(scope="module")
def stored(run_flow: Any, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    directory = tmp_path_factory.mktemp("stored")
    done = run_flow(STORING, FILES, directory=directory, SEEN="example-seen-4711")
    assert done.returncode == 0, done.stdout
    return Stored(done.stdout, directory)


def test_rows(stored: Stored) -> None:
    """Query results with the database's host and name are stored, and later steps read them (S1.58, S1.59)."""
    assert stored.facts["rows"]


def test_allowed(stored: Stored, leaks_below: Any) -> None:
    """What a step allows is stored as it is, and later steps that know the secret read it; nothing else holds it."""
    read, _ = stored.facts["all"]
    assert read == [[True, False], [True, True]]
    assert stored.facts["kept"] == "example"
    blobs = leaks_below(stored.directory / ".metaflow" / "StoringFlow" / "data", VALUES)
    assert sorted(blobs.values()) == [["example-item-4711"], ["example-key-4711"], ["example-other-4711"]]
    runs = [path for path in (stored.directory / ".metaflow" / "StoringFlow").iterdir() if path.name != "data"]
    assert not any(leaks_below(path, VALUES) for path in runs if path.is_dir())


def test_foreach(stored: Stored) -> None:
    """A foreach over an allowed artifact works, and its items are masked in what Metaflow notes of each task."""
    _, same = stored.facts["all"]
    assert same == [True, True]
    metadata = [path.read_text() for path in stored.directory.rglob("sysmeta_foreach-stack_*.json")]
    assert len(metadata) == 2
    assert sum("items=customers" in text for text in metadata) == 1
    assert sum("items=[masked]" in text for text in metadata) == 1


def test_description(stored: Stored, leaks_below: Any) -> None:
    """The description of the flow that Metaflow stores has no value of inline sources, or of other decorators."""
    assert leaks_below(stored.directory / ".metaflow", ["example-inline-4711", "example-early-4711"]) == {}


def test_tags(stored: Stored) -> None:
    """Tags that a step gives to its run are masked, the others as they were."""
    (run,) = stored.directory.glob(".metaflow/StoringFlow/*/_meta/_self.json")
    assert sorted(json.loads(run.read_text())["tags"]) == ["key:[masked]", "v1"]


def test_get_secret(stored: Stored) -> None:
    """What `get_secret()` returns is masked in a step that declares nothing."""
    assert "from Metaflow's provider: [masked]" in stored.output


def test_console(stored: Stored) -> None:
    """The output of such a run holds none of the values."""
    assert not [value for value in [*VALUES, "example-seen-4711"] if value in stored.output]
