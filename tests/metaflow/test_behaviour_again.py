"""A flow that is run again, in part or from a program: `resume`, `spin`, `Runner`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.metaflow

FLOW = """
import json, os
from metaflow import FlowSpec, current, secrets, step
class AgainFlow(FlowSpec):
    @secrets(sources=["first"])
    @step
    def start(self):
        self.next(self.work)
    @secrets(sources=["second"])
    @step
    def work(self):
        same = current.secrets.second["TOKEN"] == os.environ["TOKEN"] == "example-" + os.environ["EXPECTED"]
        print("read", same, current.secrets.second["TOKEN"])
        if os.environ.get("FAILING"):
            raise ValueError("mend me")
        self.done = True
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    AgainFlow()
"""


def files(second: str = "example-old") -> dict[str, str]:
    stored = {"first": {"TOKEN": "example-first"}, "second": {"TOKEN": second}}
    config = "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}"
    return {"tacenda.yaml": config, ".secrets.json": json.dumps(stored)}


@pytest.fixture
def again(run_flow, tmp_path: Path) -> Callable[..., tuple[subprocess.CompletedProcess[str], list[str]]]:
    """A function that runs the flow in one place with a command; it also returns what was read, in order."""
    audit = tmp_path / "audit.jsonl"

    def run(*arguments: str, flow: str = FLOW, **settings: str):
        extra = {"TACENDA_AUDIT": str(audit), "EXPECTED": "old", **settings}
        beside = {**files(f"example-{extra['EXPECTED']}"), "real.py": FLOW}
        audit.unlink(missing_ok=True)
        done = run_flow(flow, beside, directory=tmp_path, arguments=arguments, **extra)
        events = audit.read_text().splitlines() if audit.exists() else []
        return done, [json.loads(event)["reference"].rpartition("#")[2] for event in events]

    return run


def test_resume_and_spin(again, leaks_below, tmp_path: Path):
    """`resume` reads for the steps it runs, not for those it copies; `spin` reads for its one step (S1.51)."""
    done, read = again("run", FAILING="1")
    assert (done.returncode, read) == (1, ["first", "second"]), done.stdout
    done, read = again("resume", EXPECTED="new")
    assert (done.returncode, read) == (0, ["second"]), done.stdout
    assert "read True [masked]" in done.stdout
    done, read = again("spin", "work", EXPECTED="newest")
    assert (done.returncode, read) == (0, ["second"]), done.stdout
    assert "read True [masked]" in done.stdout
    assert "Ignoring" not in done.stdout
    values = ["example-first", "example-old", "example-new", "example-newest"]
    assert leaks_below(tmp_path / ".metaflow", values) == {}
    assert leaks_below(tmp_path / ".metaflow_spin", values) == {}


RUNNER = """
from metaflow import Runner
with Runner("real.py", show_output=False).run() as running:
    print("status", running.status, "done", running.run["work"].task.data.done)
    print("masked", "read True [masked]" in running.stdout, "example-" not in running.stdout)
"""


def test_runner(again):
    """A run that a program starts by `Runner` reads and masks as one from the command line."""
    done, read = again(flow=RUNNER)
    assert "status successful done True" in done.stdout, done.stdout
    assert "masked True True" in done.stdout
    assert read == ["first", "second"]
