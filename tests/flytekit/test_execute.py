"""`pyflyte-execute`, as a cluster's container runs it: injected secrets, error.pb, decks, outputs, nothing local."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core import errors_pb2, literals_pb2

from tacenda.masking import Masker

pytestmark = [pytest.mark.flytekit, pytest.mark.slow]

TASKS = """
import os
from flytekit import Deck, Secret, current_context, dynamic, task
from tacenda.masking import allow_leak

DB = Secret(group="db", key="password", mount_requirement=Secret.MountType.ENV_VAR, env_var="PGPASSWORD")
secrets = lambda: current_context().secrets

@task(secret_requests=[DB], enable_deck=True)
def works() -> str:
    value = secrets().get("db", "password")
    Deck("mine", f"<p>{value}</p>")
    print("same:", os.environ["PGPASSWORD"] == value == "example-" + "password", type(value).__name__)
    return "fine"

@task
def fails() -> str:
    if secrets().get("db", "password"):
        raise ConnectionError(f"no route to admin:{secrets().db.password}@db")
    return ""

@task
def gives() -> str:
    return secrets().get("db", "password")

@task
@allow_leak("o0")
def allowed() -> str:
    return secrets().get("db", "password")

@task(container_image="example.com/image:1")
def echo(text: str) -> str:
    return "fine"

@dynamic
def passes() -> str:
    return echo(text=str(secrets().get("db", "password")))

@dynamic
def clean() -> str:
    return echo(text=str(len(secrets().get("db", "password"))))
"""
INJECTED = {"_FSEC_DB_PASSWORD": "example-password", "PGPASSWORD": "example-password"}


class Execution:
    """What an execution has written and printed."""

    def __init__(self, directory: Path, output: str) -> None:
        self.directory = directory
        self.output = output
        written = {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self.files = written
        self.error = errors_pb2.ErrorDocument.FromString(written.get("error.pb", b"")).error

    @property
    def result(self) -> str:
        outputs = literals_pb2.LiteralMap.FromString(self.files["outputs.pb"])
        return outputs.literals["o0"].scalar.primitive.string_value


@pytest.fixture
def execute(run_program, tmp_path: Path, empty_registry: Masker) -> Any:
    tmp_path.joinpath("tasks.py").write_text(TASKS)
    tmp_path.joinpath("inputs.pb").write_bytes(b"")

    def run(task: str, stored: dict[str, Any] | None = None, **variables: str) -> Execution:
        if stored is not None:
            config = "stacks: {prod: {secrets: {provider: local, path: .secrets.json}}}"
            tmp_path.joinpath("tacenda.yaml").write_text(config)
            tmp_path.joinpath(".secrets.json").write_text(json.dumps(stored))
        prefix = tmp_path / "results" / task
        command = ["--inputs", str(tmp_path / "inputs.pb"), "--output-prefix", str(prefix)]
        command += ["--raw-output-data-prefix", str(tmp_path / "raw")]
        command += ["--resolver", "flytekit.core.python_auto_container.default_task_resolver"]
        command += ["--", "task-module", "tasks", "task-name", task]
        done = run_program(tmp_path, "pyflyte-execute", *command, FLYTE_INTERNAL_EXECUTION_ID="x", **variables)
        return Execution(prefix, done.stdout)

    return run


def test_injected_by_the_platform(execute, leaks):
    """The platform's variables serve, unchanged, and are masked in the output and in the deck (S4.5)."""
    done = execute("works", **INJECTED)
    assert done.result == "fine", done.output
    assert "same: True str" in done.output
    assert b"<p>[masked]</p>" in done.files["deck.html"]
    assert not leaks(done.directory, done.output, "example-password")


def test_from_the_stack(execute, leaks):
    """What the platform has not injected comes from the stack, variables too."""
    done = execute("works", {"db": {"password": "example-password"}})
    assert done.result == "fine", done.output
    assert "same: True Secret" in done.output
    assert not leaks(done.directory, done.output, "example-password")


def test_error(execute, leaks):
    """error.pb and the log have the traceback without the value."""
    done = execute("fails", **INJECTED)
    assert "ConnectionError: no route to admin:[masked]@db" in done.error.message
    assert "no route to admin:[masked]@db" in done.output
    assert not leaks(done.directory, done.output, "example-password")


@pytest.mark.parametrize(("task", "output"), [("gives", "o0"), ("passes", "the workflow")])
def test_output(execute, leaks, task: str, output: str):
    """An output, or a dynamic task's workflow, that holds a value is not stored; it is an error not to be retried."""
    done = execute(task, {"db": {"password": "example-password"}})
    assert f"output {output!r} of task 'tasks.{task}' holds the value" in done.error.message, done.output
    assert done.error.kind == errors_pb2.ContainerError.NON_RECOVERABLE
    assert not {"outputs.pb", "futures.pb"} & set(done.files)
    assert not leaks(done.directory, done.output, "example-password")


def test_clean_workflow(execute):
    """A dynamic task that knows a secret and passes none on is as ever."""
    done = execute("clean", {"db": {"password": "example-password"}})
    assert "futures.pb" in done.files, done.output
    assert not done.error.message


def test_allowed(execute):
    """`allow_leak` lets an output be stored: the secret as the str that it is on a cluster."""
    assert execute("allowed", {"db": {"password": "example-password"}}).result == "example-password"


def test_local_name_is_not_enough(execute):
    """A variable without prefix is no secret here, and missing is flytekit's ValueError (S4.46)."""
    done = execute("fails", DB_PASSWORD="example-local")
    assert (
        "MissingSecret: Please make sure to add secret_requests=[Secret(group=db, key=password)]" in done.error.message
    )
    assert "tried: environment: _FSEC_DB_PASSWORD, FLYTE_SECRETS_DB_PASSWORD\n" in done.error.message
    assert "example-local" not in done.error.message + done.output
