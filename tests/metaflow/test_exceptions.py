"""Failing steps in real flows: console, stored logs, @catch, event logger and artifacts say why, without the value."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.metaflow

VALUE = "example-token-4711"
OTHER = "example-other-4711"
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({"api-keys": {"TOKEN": VALUE, "OTHER": OTHER}}),
}
FLOW = """
import json, os, sys
from metaflow import FlowSpec, S3, catch, current, secrets, step
from metaflow.exception import MetaflowException

class RefusedError(Exception):
    def __init__(self, token, code):
        super().__init__(f"refused {token}")
        self.token, self.code = token, code

def argument(token):
    raise ValueError("bad token", token)

def own(token):
    try:
        raise RefusedError(token, 401)
    except RefusedError as error:
        assert error.token == os.environ["TOKEN"]  # inside the step it is the real one
        raise

def chained(token):
    try:
        argument(token)
    except ValueError as error:
        raise KeyError(os.environ["OTHER"]) from error

def grouped(token):
    errors = [ValueError(token), RuntimeError("plain")]
    if sys.version_info < (3, 11):
        raise errors[0]
    errors[1].add_note(f"seen with {os.environ['OTHER']}")
    raise ExceptionGroup(f"all with {token}", errors)

def metaflows(token):
    raise MetaflowException(f"no access with {token}")

CASES = [own, chained, grouped, metaflows]

class FailingFlow(FlowSpec):
    @step
    def start(self):
        self.cases = [case.__name__ for case in CASES]
        self.next(self.work, foreach="cases")

    @catch(var="caught")
    @secrets(sources=["api-keys"])
    @step
    def work(self):
        self.case = self.input
        globals()[self.input](os.environ["TOKEN"])
        self.next(self.join)

    @step
    def join(self, inputs):
        for each in inputs:
            caught = each.caught
            print("FACT", json.dumps([each.case, caught.type, caught.exception, caught.stacktrace]))
        self.next(self.lost)

    @secrets(sources=["api-keys"])
    @step
    def lost(self):
        print("unfinished line with", os.environ["TOKEN"], end="")
        chained(os.environ["TOKEN"])
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    FailingFlow()
"""
CAUGHT = {
    "own": ("__main__.RefusedError", "refused [masked]"),
    "chained": ("builtins.KeyError", "'[masked]'"),
    "grouped": ("builtins.ExceptionGroup", "all with [masked] (2 sub-exceptions)"),
    "metaflows": ("metaflow.exception.MetaflowException", "no access with [masked]"),
}
if sys.version_info < (3, 11):
    CAUGHT["grouped"] = ("builtins.ValueError", "[masked]")


class Failed:
    """A run whose steps fail in all ways, the last one for good."""

    def __init__(self, output: str, directory: Path) -> None:
        self.output = output
        self.directory = directory
        lines = [line.partition("] FACT ")[2] for line in output.splitlines()]
        self.caught = {fact[0]: fact[1:] for fact in map(json.loads, filter(None, lines))}


@pytest.fixture(scope="module")
def failed(run_flow: Any, tmp_path_factory: pytest.TempPathFactory) -> Failed:
    directory = tmp_path_factory.mktemp("failed")
    # The debug logger prints all events, past what masks the task's own output.
    events = {"METAFLOW_DEFAULT_EVENT_LOGGER": "debugLogger", "METAFLOW_DEBUG_SIDECAR": "1"}
    done = run_flow(FLOW, FILES, directory=directory, **events)
    assert done.returncode == 1, done.stdout
    return Failed(done.stdout, directory)


@pytest.mark.parametrize("case", CAUGHT)
def test_caught(failed: Failed, case: str) -> None:
    """The variable of @catch has type, masked text and masked traceback of what was raised."""
    kind, text, stacktrace = failed.caught[case]
    assert kind == CAUGHT[case][0]
    assert CAUGHT[case][1] in text
    assert f"in {case}\n" in stacktrace
    assert "[masked]" in stacktrace


def test_console(failed: Failed) -> None:
    """The console has each traceback, with chains, groups and notes, and no value; the event logger's copy, too."""
    for told in ("bad token", "direct cause", "refused [masked]", "no access with [masked]"):
        assert told in failed.output, told
    assert "seen with [masked]" in failed.output or sys.version_info < (3, 11)  # notes are new in 3.11
    assert "Debug[best_effort]" in failed.output
    assert VALUE not in failed.output
    assert OTHER not in failed.output


def test_datastore(failed: Failed, leaks_below: Any) -> None:
    """Stored logs, artifacts and metadata hold no value: also those of the step that failed for good."""
    assert leaks_below(failed.directory / ".metaflow", [VALUE, OTHER]) == {}
    (log,) = failed.directory.glob(".metaflow/FailingFlow/*/lost/*/0.runtime_stdout.log")
    assert "unfinished line with [masked]" in log.read_text()
    (log,) = failed.directory.glob(".metaflow/FailingFlow/*/lost/*/0.runtime_stderr.log")
    assert "KeyError: '[masked]'" in log.read_text()
