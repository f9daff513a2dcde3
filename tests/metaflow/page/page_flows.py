"""Runs a flow of the page by `python FLOW run`, as its readers do, and keeps what came of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from programs import places_of, run

HERE = Path(__file__).parent

SECRET = "sk-example-%s-kept-by-%s"
"""A value, by what it is and where it is kept: four characters of it may be shown."""


class Finished(NamedTuple):
    """A run that has ended.

    Attributes:
        code: its exit code.
        output: all that it printed.
        directory: where it ran, with its datastore.
    """

    code: int
    output: str
    directory: Path

    def told(self, step: str) -> dict[str, Any]:
        """Return what a step told by `tell`."""
        facts = [json.loads(text) for text in re.findall(r"(?m)\] FACTS (\{.*\})$", self.output)]
        found = [fact for fact in facts if fact["step"] == step]
        assert found, f"step {step} told nothing:\n{self.output}"
        return found[-1]

    def leaks(self, *values: str) -> list[str]:
        """Return where values are: in the output, or in the datastore with its logs."""
        return places_of(values, self.directory / ".metaflow", output=self.output)


def run_page(flow: str, directory: Path, *arguments: str, injected: str | None = None, **variables: str) -> Finished:
    """Run a flow.

    Args:
        flow: its file in `flows`.
        directory: where it runs.
        arguments: what follows `run`.
        injected: the secret that `tacenda run` starts it with, if it is started so.
        variables: environment variables.
    """
    for source in (HERE / "flows" / flow, HERE / "beyond_the_page.py"):
        shutil.copy(source, directory)
    under = ("-m", "tacenda", "run", "--secret", injected, "--", sys.executable) if injected else ()
    done = run("python", *under, flow, "run", *arguments, home=directory, METAFLOW_USER="tester", **variables)
    return Finished(done.returncode, done.stdout, directory)


def succeeded(finished: Finished) -> Finished:
    """Return a run if it has come to its end."""
    assert finished.code == 0, finished.output
    return finished


def artifact(directory: Path, flow: str, name: str) -> Any:
    """Return an artifact of the latest run that came to its end, read by Metaflow's client in a process of its own."""
    program = f"""
import json
from metaflow import Flow, namespace
namespace(None)
print("ARTIFACT", json.dumps(Flow({flow!r}).latest_successful_run.data.{name}))
"""
    (directory / "artifact.py").write_text(program)
    done = run("python", "artifact.py", home=directory, METAFLOW_USER="reader")
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.partition("ARTIFACT ")[2])
