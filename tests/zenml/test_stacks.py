"""Which stack serves a step, and what it is told where none can."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.zenml, pytest.mark.slow]

STORED = {"db": {"PASSWORD": "example-password"}}
DEFAULT = {"db": {"PASSWORD": "example-of-default"}}

PROGRAM = """
from __future__ import annotations
import json, os
from typing import TYPE_CHECKING
from zenml import pipeline
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.steps import step, StepContext as Context
if TYPE_CHECKING:
    from zenml.steps import StepContext

ANSWERS = {}

def read(context):
    try:
        return context.stack.secrets_manager.get_secret("db").PASSWORD
    except Exception as error:
        return [type(error).__name__, isinstance(error, KeyError), str(error)]

@step
def renamed(context: Context) -> None:
    ANSWERS["renamed"] = read(context)

@step
def for_checkers(context: StepContext | None, a: int = 1) -> None:
    ANSWERS["for type checkers"] = read(context)

@pipeline
def both() -> None:
    renamed()
    for_checkers()

def attempt(run):
    try:
        run()
    except Exception as error:
        return [type(error).__name__, str(error)]

def go_far():
    orchestrator = StackComponentType.ORCHESTRATOR
    client = Client()
    client.create_flavor("far.FarFlavor", orchestrator)
    client.create_stack_component("far", "far", orchestrator, {})
    client.create_stack("far", {orchestrator: "far", StackComponentType.ARTIFACT_STORE: "default"})
    client.activate_stack("far")

if __name__ == "__main__":
    both()
    told = {"serves": dict(ANSWERS)}
    os.environ["TACENDA_STACK"] = "down"
    both()
    told["down"] = ANSWERS["renamed"]
    del os.environ["TACENDA_STACK"]
    os.environ["TACENDA_CONFIG"] = "two.yaml"
    both()
    told["two"] = ANSWERS["renamed"]
    del os.environ["TACENDA_CONFIG"]
    go_far()
    told["far"] = attempt(both)
    os.environ.update(TACENDA_CONFIG="two.yaml", TACENDA_STACK="one")
    told["far, with variables"] = attempt(both)
    json.dump(told, open("answers.json", "w"))
"""

FAR = """
from zenml.orchestrators.local.local_orchestrator import LocalOrchestratorConfig, LocalOrchestratorFlavor

class FarConfig(LocalOrchestratorConfig):
    is_local = property(lambda self: False)
    is_remote = property(lambda self: True)

class FarFlavor(LocalOrchestratorFlavor):
    name = "far"
    config_class = FarConfig
"""


@pytest.fixture(scope="module")
def told(new_home):
    two = "stacks: {one: {secrets: {provider: env}}, two: {secrets: {provider: env}}}"
    home = new_home(__secrets__json=STORED, __default__json=DEFAULT, two__yaml=two, far__py=FAR)
    done = home.python(PROGRAM, VAULT_TOKEN="example-login")
    assert done.returncode == 0, done.stdout
    return home.answers()


def test_annotations_from_the_future(told):
    """Annotations may be texts, of names that exist for type checkers only; our stack named as ZenML's serves."""
    assert told["serves"] == {"renamed": "example-of-default", "for type checkers": "example-of-default"}


def test_unreachable(told):
    """A backend that cannot be asked is no missing secret: not a KeyError (S3.45)."""
    kind, is_key_error, message = told["down"]
    assert (kind, is_key_error) == ("BackendUnavailable", False)
    assert "127.0.0.1:9" in message


def test_no_stack_of_ours(told):
    """Where no stack can serve, the error names the fix (S3.41)."""
    kind, is_key_error, message = told["two"]
    assert (kind, is_key_error) == ("ConfigurationError", False)
    assert "TACENDA_STACK" in message


def test_local_file_on_a_remote_orchestrator(told):
    """Secrets in a local file, with a remote orchestrator, are refused before the run; another stack passes (S3.46)."""
    kind, message = told["far"]
    assert kind == "StackValidationError"
    assert "step 'renamed' takes the context" in message
    assert "remote orchestrator 'far', but tacenda's stack 'dev' is a file on this machine" in message
    assert "tacenda" not in str(told["far, with variables"])  # ZenML itself refuses the local artifact store
