"""Attempts that fail, in a real flow: @retry, @catch, @timeout, and a task that dies."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.metaflow

NAMES = ("retried", "caught", "killed", "timed")
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({name: {"TOKEN": f"example-{name}-token"} for name in NAMES}),
}
FLOW = """
import json, os, time
from metaflow import FlowSpec, catch, current, retry, secrets, step, timeout
def fact(**facts):
    print("FACT", json.dumps({f"{current.step_name} {name}": value for name, value in facts.items()}))
class AttemptsFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.retried, self.caught, self.unread, self.killed, self.timed)
    @retry(times=1, minutes_between_retries=0)
    @secrets(sources=["retried"])
    @step
    def retried(self):
        token = current.secrets.retried["TOKEN"]
        if current.retry_count == 0:
            with open(".secrets.json") as file:
                stored = json.load(file)
            stored["retried"]["TOKEN"] = "example-rotated-token"
            with open(".new.json", "w") as file:
                json.dump(stored, file)
            os.replace(".new.json", ".secrets.json")
            raise ValueError(f"refused {token}")
        fact(rotated=token == os.environ["TOKEN"] == "example-" + "rotated-token")
        self.problem = None
        self.next(self.join)
    @catch(var="problem")
    @secrets(sources=["caught"])
    @step
    def caught(self):
        raise ValueError("refused", current.secrets.caught["TOKEN"])
        self.next(self.join)
    @catch(var="problem")
    @secrets(sources=["nowhere"])
    @step
    def unread(self):
        fact(ran=True)
        self.next(self.join)
    @catch(var="problem")
    @secrets(sources=["killed"])
    @step
    def killed(self):
        print("dying with", current.secrets.killed["TOKEN"], flush=True)
        os._exit(3)
        self.next(self.join)
    @catch(var="problem")
    @timeout(seconds=1)
    @secrets(sources=["timed"])
    @step
    def timed(self):
        try:
            time.sleep(30)
        finally:
            fact(readable=current.secrets.timed["TOKEN"] == "example-" + "timed-token")
        self.next(self.join)
    @step
    def join(self, inputs):
        for each in inputs:
            print("PROBLEM", json.dumps([repr(each.problem), str(getattr(each.problem, "traceback", ""))]))
        fact(none=not hasattr(current, "secrets") and "TOKEN" not in os.environ)
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    AttemptsFlow()
"""


@pytest.fixture(scope="module")
def attempts(run_flow, tmp_path_factory) -> SimpleNamespace:
    """The flow, run once: its output, its facts, what @catch caught, and how often each secret was asked for."""
    directory = tmp_path_factory.mktemp("attempts")
    audit = directory / "audit.jsonl"
    done = run_flow(FLOW, FILES, directory=directory, TACENDA_AUDIT=str(audit))
    assert done.returncode == 0, done.stdout
    said = {
        word: [line.partition(f"{word} ")[2] for line in done.stdout.splitlines() if f"{word} " in line]
        for word in ("FACT", "PROBLEM")
    }
    events = map(json.loads, audit.read_text().splitlines())
    return SimpleNamespace(
        directory=directory,
        output=done.stdout,
        facts={name: value for fact in said["FACT"] for name, value in json.loads(fact).items()},
        problems=[" ".join(json.loads(problem)) for problem in said["PROBLEM"]],
        asked=Counter(event["reference"].rpartition("#")[2] for event in events),
    )


def test_retry_reads_afresh(attempts):
    """The second attempt of @retry reads again, and has the value that the first one rotated (S1.51)."""
    assert attempts.facts["retried rotated"] is True
    assert attempts.asked["retried"] == 2


def test_catch(attempts):
    """@catch keeps what the step raised, without values; a failed fetch it swallows, as upstream, and names it."""
    assert [problem for problem in attempts.problems if "('refused', <Secret [masked]>)" in problem], attempts.problems
    assert [problem for problem in attempts.problems if "there is no secret 'nowhere' in stack 'dev'" in problem]
    assert "unread ran" not in attempts.facts
    assert attempts.asked["caught"] == 1


def test_fallback_of_catch(attempts):
    """When a task dies, the attempt in which @catch stands in for its code asks for no secret."""
    assert [problem for problem in attempts.problems if "FailureHandledByCatch" in problem], attempts.problems
    assert "dying with [masked]" in attempts.output
    assert attempts.asked["killed"] == 1


def test_timeout(attempts):
    """@timeout ends a step with secrets in time, and the step can use them to the end."""
    assert [problem for problem in attempts.problems if "TimeoutException" in problem], attempts.problems
    assert attempts.facts["timed readable"] is True


def test_nothing_leaks(attempts, leaks_below):
    """No attempt leaves a value in the console, the stored logs or the artifacts, nor a secret in a later step."""
    assert attempts.facts["join none"] is True
    values = [*(f"example-{name}-token" for name in NAMES), "example-rotated-token"]
    assert not [value for value in values if value in attempts.output]
    assert leaks_below(attempts.directory / ".metaflow", values) == {}
