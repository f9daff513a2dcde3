"""Running flyte 2 as a user does: in a directory with a tacenda.yaml, in a home of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from programs import places_of, run

TACENDA = "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}\n"
RUNS = Path("/tmp/flyte")  # where upstream keeps what a local run writes


class Project:
    """A user's directory, its secrets, and what its runs left behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.values: dict[str, str] = {}
        self.started = time.time()

    def keep(self, secrets: dict[str, object]) -> None:
        """Put secrets into the stack; every text among them that begins with `example` is searched for later."""
        (self.directory / "tacenda.yaml").write_text(TACENDA)
        path = self.directory / ".secrets.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(secrets))
        for name, value in secrets.items():
            for key, text in value.items() if isinstance(value, dict) else [(name, value)]:
                if str(text).startswith("example"):
                    self.values[f"{name}.{key}"] = str(text)

    def run(self, script: str, *, command: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `python tasks.py`, or `flyte ...`, with a script as tasks.py."""
        (self.directory / "tasks.py").write_text(script)
        variables = {"TMPDIR": tempfile.gettempdir(), **variables}  # a script that gives up its rights needs one
        return run(*(("flyte", *command) if command else ("python", "tasks.py")), home=self.directory, **variables)

    def noted(self, secrets: dict[str, object], script: str, **variables: str) -> tuple[str, Any]:
        """Keep secrets, run a script, and return what it printed and what it noted in `results.json`."""
        self.keep(secrets)
        done = self.run(script, **variables)
        assert done.returncode == 0, done.stdout
        return done.stdout, json.loads((self.directory / "results.json").read_text())

    def leaks(self, *outputs: str) -> list[str]:
        """Return where a value is, as it is or encoded: outputs, and all files that runs wrote."""
        return places_of(self.values.values(), self.directory, RUNS, output="\n".join(outputs), since=self.started - 1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty user's directory."""
    return Project(tmp_path)


@pytest.fixture(scope="module")
def module_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a user's directory for the tests of a module, which look at one run."""
    return Project(tmp_path_factory.mktemp("project"))
