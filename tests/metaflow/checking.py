"""What tests of `tacenda check --flow` share: the command with Metaflow's adapter, small flows, and its reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from command_line import VALUE, Cli, Done

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there
STORED = {"api-keys": {"API_KEY": VALUE}, "token": VALUE, "keys-tester": VALUE, "keys-prod": VALUE, "of-config": VALUE}
MAIN = '\nif __name__ == "__main__":\n    TestFlow()\n'


def started(directory: Path) -> Cli:
    """Return the command in a directory with a stack on a file."""
    (directory / ".git").mkdir()
    command = Cli(directory)
    command.environment |= {"TACENDA_ADAPTERS": "metaflow", "METAFLOW_USER": "tester"}
    command.configure("{provider: local}")
    command.write(".secrets.json", json.dumps(STORED)).chmod(0o600)
    return command


def check(cli: Cli, flow: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """Return the report on a flow, with its exit code; no value is in it."""
    cli.write("flow.py", flow)
    done = quiet(cli("check", "--flow", "flow.py", "--json", *arguments, **variables))
    return {"code": done.code, **json.loads(done.out)} if done.out else {"code": done.code, "message": done.err}


def quiet(done: Done) -> Done:
    """Return this, if it shows no value."""
    assert VALUE not in done.out + done.err
    return done


def one_step(sources: str, body: str = "pass", before: str = "", **more: str) -> str:
    """Return a flow with one step that has these sources."""
    return f"""
from metaflow import FlowSpec, current, secrets, step
{before}
class TestFlow(FlowSpec):
    @secrets(sources={sources})
    @step
    def start(self):
        {body}
        self.next(self.end)
    @step
    def end(self):
        pass
{more.get("main", MAIN)}"""


def states(report: dict[str, Any]) -> dict[str, Any]:
    """Return of each source what it resolves to, and whether it can be read or why not."""
    rows = [row for step in report["steps"] for row in step["secrets"]]
    return {row["source"]: (row["from"], row["error"]["kind"] if row["error"] else row["ok"]) for row in rows}
