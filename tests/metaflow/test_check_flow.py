"""`tacenda check --flow` on real flows: which step needs which secrets, where they are, whether they can be read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checking import MAIN, NOBODY, STORED, check, one_step, quiet, started, states
from command_line import VALUE, Cli, Done

pytestmark = pytest.mark.metaflow

INLINE = f'{{"type": "inline", "id": "db", "options": {{"env_vars": {{"DB_KEY": "{VALUE}"}}}}}}'

FLOW = f"""
import sys, threading, time; threading.Thread(target=time.sleep, args=(300,)).start()
from metaflow import Config, Parameter, current, secrets, step
import base
print("printed {VALUE}")
print("printed {VALUE}", file=sys.stderr)
assert sys.stdin.read() == ""
def named(flow):
    return "keys-" + flow.tenant
def several():
    return ["token", {INLINE}]
class TestFlow(base.Base):
    settings = Config("settings", default_value='{{"name": "of-config"}}')
    tenant = Parameter("tenant", default="a")
    @secrets(sources=["api-keys", "nothing", "local://.secrets.json#token"])
    @step
    def start(self):
        self.next(self.other)
    @secrets(sources=[{INLINE}, "token", f"keys-{{current.namespace}}", "keys-{{namespace}}"])
    @step
    def other(self):
        self.next(self.last)
    @secrets(sources=[several, named, lambda flow: flow.settings.name, lambda: "run-" + str(current.run_id)])
    @step
    def last(self):
        self.next(self.empty)
    @secrets(sources=lambda: None)
    @step
    def empty(self):
        self.next(self.end)
if __name__ == "__main__":
    TestFlow()
"""
BASE = """
from metaflow import FlowSpec, current, secrets, step
class Base(FlowSpec):
    @step
    def end(self):
        import boto3
        client = boto3.client("secretsmanager")
        print(current.secrets["x"], client.get_secret_value(SecretId="by-hand"))
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command with Metaflow's adapter, in a directory with a stack on a file."""
    command = started(tmp_path)
    yield command
    command.end()


# -- the whole of it ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], str, Cli]]:
    """What is said about the flow above, for programs and for people."""
    command = started(tmp_path_factory.mktemp("whole"))
    command.write("base.py", BASE)
    report = check(command, FLOW)
    yield report, quiet(command("check", "--flow", "flow.py")).out, command
    command.end()


def test_json(reports: tuple[dict[str, Any], str, Cli]):
    """For programs: flow, namespace, stack and why, steps in the order of the graph, sources, warnings."""
    report, _, cli = reports
    assert list(report) == ["code", "flow", "namespace", "stack", "steps", "warnings"]
    assert report["flow"] == {"name": "TestFlow", "file": "flow.py"}
    assert report["namespace"] == "user:tester"
    assert report["stack"] == {"name": "dev", "why": str(cli.directory / "tacenda.yaml")}
    declared = [(step["step"], step["declares"]) for step in report["steps"]]
    assert declared == [("start", True), ("other", True), ("last", True), ("empty", True), ("end", False)]
    assert {tuple(step) for step in report["steps"]} == {("step", "declares", "secrets", "error")}
    rows = [row for step in report["steps"] for row in step["secrets"]]
    assert {tuple(row) for row in rows} == {("source", "from", "ok", "note", "error")}
    [error] = [row["error"] for row in rows if row["error"]]
    assert list(error) == ["kind", "message", "tried", "next"]
    assert {tuple(warning) for warning in report["warnings"]} == {("file", "line", "message")}


def test_sources(reports: tuple[dict[str, Any], str, Cli]):
    """Each source, whatever its form, is seen as the run sees it, read, and told with the place that has it (S1.53)."""
    report, _, _ = reports
    at = "stack dev: local://.secrets.json#"
    assert states(report) == {
        "api-keys": (f"{at}api-keys", True),
        "nothing": ("stack dev", "SecretNotFound"),
        "local://.secrets.json#token": (f"{at}token", True),
        "type=inline id=db options=…": ("Metaflow's own provider inline", True),
        "token": (f"{at}token", True),
        "keys-tester": (f"{at}keys-tester", True),
        "keys-{namespace}": (f"{at}keys-tester", True),
        "the function 'named' (line 8 of flow.py)": (None, None),
        "of-config": (f"{at}of-config", True),
        "the function 'TestFlow.<lambda>' (line 23 of flow.py)": (None, None),
    }
    assert report["code"] == 3


def test_callables(reports: tuple[dict[str, Any], str, Cli]):
    """A callable is asked if that does not need the run; what needs it is told as decided then, and not guessed."""
    report, _, _ = reports
    notes = [(row["source"], row["note"]) for row in report["steps"][2]["secrets"]]
    assert notes == [
        ("token", "from the function 'several' (line 10 of flow.py)"),
        ("type=inline id=db options=…", "from the function 'several' (line 10 of flow.py)"),
        ("the function 'named' (line 8 of flow.py)", "decided when the step runs"),
        ("of-config", "from the function 'TestFlow.<lambda>' (line 23 of flow.py)"),
        ("the function 'TestFlow.<lambda>' (line 23 of flow.py)", "decided when the step runs"),
    ]
    assert report["steps"][3]["secrets"] == []


def test_warnings(reports: tuple[dict[str, Any], str, Cli]):
    """Fetching by hand, also in a module beside the flow, and undeclared use have file and line (S1.47, S1.48)."""
    report, _, _ = reports
    found = {(warning["file"], warning["line"]): warning["message"] for warning in report["warnings"]}
    assert list(found) == [("flow.py", 11), ("flow.py", 19), ("base.py", 7), ("base.py", 8)]
    assert "a source of type 'inline' has its values in the code" in found["flow.py", 11]
    assert "secrets are fetched by hand with boto3's client('secretsmanager')" in found["base.py", 7]
    assert "step 'end' reads current.secrets and declares no secrets, so it will fail" in found["base.py", 8]


def test_text(reports: tuple[dict[str, Any], str, Cli]):
    """For people it is a table of the steps, then each error once and the warnings."""
    _, text, cli = reports
    lines = text.splitlines()
    assert lines[:3] == [
        "flow: TestFlow (flow.py)",
        "namespace: user:tester",
        f"stack: dev ({cli.directory / 'tacenda.yaml'})",
    ]
    table = [line.split() for line in lines[3:16]]
    assert table[0] == ["start", "api-keys", "ok", "stack", "dev:", "local://.secrets.json#api-keys"]
    assert table[1] == ["nothing", "SecretNotFound", "stack", "dev"]
    assert " ".join(table[8]).endswith(
        "ok Metaflow's own provider inline (from the function 'several' (line 10 of flow.py))"
    )
    assert " ".join(table[9]) == "the function 'named' (line 8 of flow.py) decided when the step runs"
    assert "empty  has @secrets without a source" in text
    assert "end    declares no secrets" in text
    assert text.count("error: there is no secret 'nothing' in stack 'dev'") == 1
    assert "  next: the keys are: api-keys, " in text
    assert "warning: base.py:7: secrets are fetched by hand" in text


def test_leaves_nothing(reports: tuple[dict[str, Any], str, Cli]):
    """Nothing is left in the directory, and nothing has run: no datastore of Metaflow's."""
    _, _, cli = reports
    there = sorted(path.name for path in cli.directory.iterdir())
    assert there == [".git", ".secrets.json", "base.py", "flow.py", "home", "tacenda.yaml"]


# -- as a run sees it -----------------------------------------------------------------------------------------


def test_options(cli: Cli):
    """--namespace, --stack, --config and METAFLOW_DECOSPECS are honoured; options of Metaflow go after --."""
    cli.write("other.yaml", "stacks: {a: {secrets: env}, b: {secrets: {provider: local}}}")
    flow = one_step('["keys-{namespace}"]')
    report = check(cli, flow, "--namespace", "prod")
    assert (report["code"], report["namespace"]) == (0, "prod")
    assert states(report) == {"keys-{namespace}": ("stack dev: local://.secrets.json#keys-prod", True)}
    report = check(cli, flow, "--config", "other.yaml", "--stack", "b", "--", "--with", 'secrets:sources=["token"]')
    assert report["stack"] == {"name": "b", "why": f"--stack b in {cli.directory / 'other.yaml'}"}
    assert [step["secrets"][0]["source"] for step in report["steps"]] == ["keys-{namespace}", "token"]
    report = check(cli, flow, "--stack", "b", METAFLOW_DECOSPECS='secrets:sources=["token"]')
    assert report["code"] == 1
    assert report["steps"][1]["secrets"][0]["error"]["kind"] == "ConfigurationError"
    assert report["stack"] == {"name": None, "why": report["steps"][1]["secrets"][0]["error"]["message"]}


def test_global_namespace(cli: Cli):
    """In the global namespace there is none to be part of a name, which is said before the run says it."""
    report = check(cli, one_step('["keys-{namespace}", "token"]'), "--namespace=")
    assert (report["code"], report["namespace"]) == (1, None)
    assert [row["ok"] for row in report["steps"][0]["secrets"]] == [False, True]


def test_elsewhere(cli: Cli):
    """A flow in another directory finds its own modules, and the configuration of the working directory.

    Of several flows in a file, the one that `python FILE` runs is meant.
    """
    cli.write("sub/helper.py", "SOURCES = ['token']")
    second = "class Other(TestFlow):\n    pass\nif __name__ == '__main__':\n    Other()\n"
    cli.write("sub/flow.py", one_step("SOURCES", before="from helper import SOURCES", main=second))
    cli.write("helper.py", "raise RuntimeError")
    cli.write("metaflow.py", "raise RuntimeError")
    done = quiet(cli("check", "--flow", "sub/flow.py")).ok()
    assert "flow: Other (sub/flow.py)" in done.out
    assert "token                ok  stack dev: local://.secrets.json#token" in done.out
    assert not (cli.directory / "sub/__pycache__").exists()


def test_ended(cli: Cli):
    """A flow that hangs as it is loaded ends with the command."""
    cli.write(
        "flow.py", "import metaflow, os, time; print(os.getpid(), file=open('pid', 'w'), flush=True); time.sleep(300)"
    )
    command = cli.start("check", "--flow", "flow.py")
    file = cli.directory / "pid"
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, "the flow was never loaded"
        time.sleep(0.05)
    command.terminate()
    assert command.wait(timeout=60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


# -- flows that cannot be loaded ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere' ("),
        ("from . import helper", "ImportError: attempted relative import with no known parent package ("),
        (f"raise ImportError('{VALUE}')", "ImportError ("),
        (f"from metaflow.exception import *; raise MetaflowException('{VALUE}')", "MetaflowException ("),
        ("import sys; sys.exit(7)", "it ends its process ("),
        ("import os; os._exit(7)", "the process that tried ended with 7\n  next: run `python flow.py check`"),
        ("@secrets\nclass X: pass", "Metaflow refuses it ("),
    ],
)
def test_cannot_be_loaded(cli: Cli, before: str, message: str):
    """A flow that cannot be loaded is exit code 1 with the reason and the line, and warnings; no text of its errors."""
    by_hand = "import boto3; boto3.client('secretsmanager')"
    report = check(cli, one_step("[]", by_hand, before))
    assert report["code"] == 1
    assert "tacenda: warning: flow.py:8: secrets are fetched by hand" in report["message"].replace("py:9", "py:8")
    assert f"tacenda: flow.py cannot be loaded: {message}" in report["message"]
    assert "_exit" in before or re.search("flow.py, line [34]", report["message"])  # Python 3.10 counts from `class`


def test_metaflows_own_checks(cli: Cli):
    """What Metaflow says of a flow, a configuration or an option that it does not take is passed on."""
    missing = one_step("[]", before="from metaflow import Config").replace(
        "    @secrets", "    c = Config('c', required=True)\n    @secrets", 1
    )
    assert "Metaflow's command line: " in (message := check(cli, missing)["message"])
    assert "missing configuration for 'c'" in message
    message = check(cli, one_step("[]"), "--", "--quiet", "run", "--tag")["message"]
    assert "Metaflow's command line: No such command 'run'" in message
    assert "next: after `--` goes what stands before `run` when the flow is run" in message
    assert not (cli.directory / ".metaflow").exists(), "it ran the flow"


def test_starts_no_flow(cli: Cli):
    """A file with flows that starts none says so; one without any flow is wrong usage."""
    report = check(cli, one_step("[]", main=""))
    assert report["code"] == 1
    assert (
        "flow.py starts none of its flows (TestFlow), so `python flow.py run` does nothing either" in report["message"]
    )
    assert "next: end it with: if __name__ == '__main__': TestFlow()" in report["message"]
    report = check(cli, "from metaflow import FlowSpec")
    assert report["code"] == 2
    assert "flow.py imports metaflow and defines no flow" in report["message"]


def test_switched_off(cli: Cli):
    """Where tacenda does not serve Metaflow there is nothing to check, and it says where that is explained."""
    report = check(cli, one_step("[]"), TACENDA_ADAPTERS="none")
    assert report["code"] == 1
    assert "tacenda does not serve Metaflow's @secrets here: `tacenda check` says why" in report["message"]


def test_malformed_sources(cli: Cli):
    """Sources that mean nothing, and one that is itself a value, are told for each, and never repeated."""
    report = check(cli, one_step(f'["token", 7, "postgres://u:{VALUE}@db.example/x", "inline.x", "arn:aws:x"]'))
    assert report["code"] == 1
    assert states(report) == {
        "token": ("stack dev: local://.secrets.json#token", True),
        "(no source: int)": (None, "SecretError"),
        "(not shown: it looks like a value)": (None, "InvalidReference"),
        "inline.x": ("Metaflow's own provider inline", True),
        "arn:aws:x": (None, "InvalidReference"),
    }
    [warning] = report["warnings"]
    assert warning["line"] == 5
    assert "looks like a credential" in warning["message"]


# -- as the run decides ---------------------------------------------------------------------------------------


AGREED = """
from metaflow import FlowSpec, catch, current, secrets, step
class TestFlow(FlowSpec):
"""
STEPS = {
    "start": '["pair", "api-keys"]',
    "twice": '["token", "token"]',
    "prefix": '["pair"], prefix="1_"',
    "missing": '["nothing", "local://.secrets.json#pair#NO"]',
    "malformed": '["arn:aws:x"]',
    "apart": '["pair", "api-keys"], env=False',
}


def agreed() -> str:
    """Return a flow in which each of these steps goes on if its secrets fail, and stores how."""
    following = [*list(STEPS)[1:], "end"]
    steps = [
        f"    @catch(var='failed_{name}')\n    @secrets(sources={sources})\n    @step\n"
        f"    def {name}(self):\n        self.next(self.{after})\n"
        for (name, sources), after in zip(STEPS.items(), following, strict=True)
    ]
    end = "    @step\n    def end(self):\n        pass\n"
    return "".join([AGREED, *steps, end, MAIN])


def test_agrees_with_the_run(cli: Cli):
    """The steps that a run fails are those that were said to fail, and for that reason; all others go on."""
    cli.write(".secrets.json", json.dumps({**STORED, "pair": {"API_KEY": VALUE, "TAKEN": VALUE}}))
    report = check(cli, agreed(), TAKEN="already")
    assert report["code"] == 1
    told = {
        step["step"]: [
            error["message"] for error in [step["error"], *(row["error"] for row in step["secrets"])] if error
        ]
        for step in report["steps"]
    }
    expected = ["start", "twice", "prefix", "missing", "malformed"]
    assert [name for name, messages in told.items() if messages] == expected
    # Not by `cli`, which refuses a traceback: Metaflow itself shows one on Python 3.13.0, of gzip.
    command, environment = [sys.executable, "flow.py", "run"], {**cli.environment, "TAKEN": "already"}
    done = quiet(Done(subprocess.run(command, cwd=cli.directory, env=environment, capture_output=True, check=False)))
    output = done.out + done.err
    failed = re.findall(r"\[\d+/(\w+)/\d+ [^\]]*\] .*@catch caught", output)
    assert failed == expected


# -- real backends --------------------------------------------------------------------------------------------


def test_worst(cli: Cli):
    """The exit code is the worst of all steps; warnings alone are 0."""
    cli.configure(f"[{{provider: local}}, {{provider: vault, vault_url: '{NOBODY}', prefix: x/}}]")
    report = check(cli, one_step('["token", "nothing"]'), VAULT_TOKEN="example-vault-token")
    assert report["code"] == 5
    assert [kind for _, kind in states(report).values()] == [True, "BackendUnavailable"]
    report = check(cli, one_step('["token"]', "import hvac; hvac.Client()"))
    assert (report["code"], len(report["warnings"])) == (0, 1)
