"""Careless steps: nothing that ZenML prints or keeps of a run holds a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import places_of

pytestmark = [pytest.mark.zenml, pytest.mark.slow]

VALUES = {
    "PASSWORD": "example-pass/word+1",
    "TRACE": "example-trace-3",
    "META": "example-meta-4",
    "DEEP": "example-deep-7",
    "NOTE": "example-note-9",
    "HOOK": "example-hook-10",
    "PEM": "example-first-line\nexample-second-line\nexample-third-line",
}
OWN = "example-of-zenml-11"

PROGRAM = """
import base64, json, logging, subprocess, sys, warnings
from zenml import log_metadata, pipeline
from zenml.client import Client
from zenml.steps import step, StepContext
from asking import ANSWERS, attempt, secret

@step(secrets=["own"])
def careless(context: StepContext) -> None:
    import os
    password = secret("PASSWORD")
    print("plain:", password)
    for piece in ("in pieces: ", password[:9], password[9:12], password[12:], " and on\\n"):
        sys.stdout.write(piece)
    print("header:", base64.b64encode(f"admin:{password}".encode()).decode())
    print("key:", secret("PEM"), file=sys.stderr)
    logging.warning("logged: %s", {"password": password})
    logging.getLogger("mine").error("with extra", extra={"note": secret("NOTE")})
    subprocess.run(["echo", "child:", password], check=True)
    warnings.warn("warned: " + password)
    try:
        raise ConnectionError(f"no route to {password}")
    except ConnectionError:
        logging.exception("traced:")
    print("own:", os.environ["OWN"])
    log_metadata({"note": secret("META"), "deep": {"list": [secret("DEEP"), 1]}, "kept": "as it is"})

@pipeline
def prints():
    careless()

@step
def fails() -> None:
    cause = ValueError(secret("TRACE"))
    raise RuntimeError("failed with " + secret("TRACE")) from cause

@pipeline
def failing():
    fails()

def hook() -> None:
    print("hook:", secret("HOOK"))

@step(on_success=hook)
def hooked() -> int:
    return 1

@pipeline
def with_hook():
    hooked()

@step
def describes(context: StepContext) -> str:
    context.add_output_metadata({"by": secret("META")})
    context.add_output_tags(["tag-" + secret("META")])
    return "fine"

@pipeline
def describing():
    describes()

if __name__ == "__main__":
    Client().create_secret("own", {"OWN": "%(own)s"})
    attempt("prints", prints)
    attempt("failing", failing)
    attempt("hook", with_hook)
    attempt("describing", describing)
    json.dump(ANSWERS, open("answers.json", "w"))
"""


@pytest.fixture(scope="module")
def careless(new_home):
    home = new_home(__secrets__json={"s": VALUES})
    done = home.python(PROGRAM.replace("%(own)s", OWN), TACENDA_STACK="dev")
    assert done.returncode == 0, done.stdout
    home.output = done.stdout
    return home


@pytest.mark.parametrize("name", VALUES)
def test_nowhere(careless, name: str):
    """No value is in the output, in a stored log, in an artifact or in the database, as it is or encoded."""
    assert places_of(VALUES[name], careless.path, output=careless.output) == []


def test_masked(careless):
    """What steps print, log, warn of and let child processes print is there, masked."""
    for line in (
        "plain: [masked]",
        "header: YWRtaW46[masked]",
        "child: [masked]",
        "hook: [masked]",
        "warned: [masked]",
    ):
        assert line in careless.output, line
    assert "no route to [masked]" in careless.output
    assert "failed with [masked]" in careless.output


def test_own_secrets_of_zenml(careless):
    """A secret that ZenML keeps itself is masked too; it stays in ZenML's own table of secrets only."""
    assert "own: [masked]" in careless.output
    places = places_of(OWN, careless.zenml, output=careless.output)
    assert {Path(place).name for place in places} <= {"zenml.db", "zenml.db-wal"}


def test_stored_logs(careless):
    """The stored logs have what the console shows, piece by piece as it was written, but no piece of a value."""
    logs = "".join(path.read_text() for path in careless.zenml.rglob("*") if path.is_file() and "logs" in path.parts)
    for text in ('"[masked]"', "logged: {'password': '[masked]'}", "no route to [masked]", "failed with [masked]"):
        assert text in logs, text
    messages = [json.loads(line)["message"] for line in logs.splitlines()]
    at = messages.index("in pieces:")  # without the space at its end
    assert messages[at + 1 : at + 3] == ["[masked]", " and on"]


def test_database(careless):
    """Exceptions and metadata are kept, with the values masked; what holds none is kept as it is."""
    assert "failed with [masked]" in careless.rows("select exception_info from step_run")
    metadata = careless.rows("select key, value from run_metadata")
    assert "[masked]" in metadata
    assert "as it is" in metadata


def test_the_rest_works(careless):
    """Runs that only print, hook and describe are not hindered."""
    for name in ("prints", "hook", "describing"):
        assert careless.answers()[name] == "done", careless.answers()[name]
