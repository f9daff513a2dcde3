"""`{{name.key}}`, `Client().get_secret` and the `zenml` command on tacenda's secrets; and a database without us."""

from __future__ import annotations

import base64
import sqlite3

import pytest

pytestmark = [pytest.mark.zenml, pytest.mark.slow]

STORED = {
    "db": {"HOST": "registry.example/x", "PASSWORD": "example-password", "PORT": 5432},
    "token": "example-token",
    "both": {"K": "example-of-ours"},
    "down": {"K": "example-of-dev"},
}

PROGRAM = """
import json, os
from zenml import pipeline
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.stack import StackComponent
from zenml.steps import step, StepContext

ANSWERS = {}
SETTINGS = {"uri": "registry.example", "default_repository": "{{db.HOST}}"}
client = Client()

def attempt(action):
    try:
        return action()
    except Exception as error:
        return [type(error).__name__, isinstance(error, KeyError), str(error)]

@step(secrets=["db"])
def injected() -> None:
    pass

@step
def of_component(context: StepContext) -> None:
    ANSWERS["component in a step"] = component().config.default_repository

@pipeline
def reading() -> None:
    of_component()

@pipeline
def injecting() -> None:
    injected()

def component():
    return StackComponent.from_model(client.get_stack_component(StackComponentType.CONTAINER_REGISTRY, "registry"))

if __name__ == "__main__":
    client.create_secret("both", {"K": "example-of-zenml"})
    client.create_secret("private", {"K": "example-private"}, private=True)
    client.create_stack_component("registry", "default", StackComponentType.CONTAINER_REGISTRY, SETTINGS)
    ANSWERS["component"] = component().config.default_repository
    ANSWERS["ours"] = client.get_secret("db").secret_values
    ANSWERS["by name"] = client.get_secret_by_name_and_private_status("token").secret_values
    ANSWERS["same id"] = client.get_secret("db").id == client.get_secret("db").id
    ANSWERS["repr"] = repr(client.get_secret("db"))
    ANSWERS["both"] = client.get_secret("both").secret_values
    ANSWERS["private"] = client.get_secret("private").secret_values
    ANSWERS["as private"] = attempt(lambda: client.get_secret("db", private=True))
    ANSWERS["missing"] = attempt(lambda: client.get_secret("nothing"))
    ANSWERS["part of a name"] = attempt(lambda: client.get_secret("toke"))
    ANSWERS["illegal"] = attempt(lambda: client.get_secret("a://b"))
    ANSWERS["id"] = attempt(lambda: client.get_secret("12345678-1234-5678-1234-567812345678"))
    ANSWERS["update"] = attempt(lambda: client.update_secret("db", add_or_update_values={"K": "example-v"}))
    ANSWERS["delete"] = attempt(lambda: client.delete_secret("db"))
    ANSWERS["stored"] = [secret.name for secret in client.list_secrets().items]
    ANSWERS["secrets of a step"] = attempt(injecting)
    reading()
    os.environ["TACENDA_STACK"] = "down"
    ANSWERS["down"] = attempt(lambda: client.get_secret("db"))
    ANSWERS["down, but ZenML's own"] = attempt(lambda: client.get_secret("both").secret_values)
    del os.environ["TACENDA_STACK"]
    os.rename("tacenda.yaml", "aside.yaml")
    ANSWERS["without configuration"] = attempt(lambda: client.get_secret("path"))
    os.rename("aside.yaml", "tacenda.yaml")
    json.dump(ANSWERS, open("answers.json", "w"))
"""


@pytest.fixture(scope="module")
def home(new_home):
    home = new_home(__secrets__json=STORED)
    done = home.python(PROGRAM, TACENDA_STACK="dev", VAULT_TOKEN="example-login")
    assert done.returncode == 0, done.stdout
    assert "example-" not in done.stdout
    return home


@pytest.fixture(scope="module")
def answers(home):
    return home.answers()


def test_reference(home, answers):
    """A reference resolves from tacenda's stack, on the client (S3.8) and in steps; it stays stored (S3.4)."""
    assert answers["component"] == answers["component in a step"] == "registry.example/x"
    database = sqlite3.connect(next(home.zenml.rglob("zenml.db")))
    [(stored,)] = database.execute("select configuration from stack_component where name = 'registry'").fetchall()
    database.close()
    assert b"{{db.HOST}}" in base64.b64decode(stored)


def test_secret_of_ours(answers):
    """Outside a run (S3.6), `Client().get_secret` shows tacenda's as ZenML shows its own; a text is one pair."""
    assert answers["ours"] == {"HOST": "registry.example/x", "PASSWORD": "example-password", "PORT": "5432"}
    assert answers["by name"] == {"value": "example-token"}
    assert answers["same id"] is True
    assert "example-password" not in answers["repr"]


def test_zenmls_own_first(answers):
    """What ZenML has itself, it answers as ever."""
    assert answers["both"] == {"K": "example-of-zenml"}
    assert answers["private"] == {"K": "example-private"}
    assert answers["down, but ZenML's own"] == {"K": "example-of-zenml"}


@pytest.mark.parametrize(
    "case",
    [
        "missing",
        "as private",
        "part of a name",
        "illegal",
        "id",
        "update",
        "delete",
        "secrets of a step",  # `@step(secrets=[...])` stores the secret's id
        "without configuration",
    ],
)
def test_key_error_of_zenml(answers, case: str):
    """Nobody's secret is ZenML's own KeyError, and what writes sees secrets that ZenML stores only."""
    kind, is_key_error, _ = answers[case]
    assert is_key_error
    assert kind != "SecretNotFound"


def test_unreachable(answers):
    """A backend that cannot be asked is no missing secret (S3.45)."""
    assert answers["down"][:2] == ["BackendUnavailable", False]


COMMANDS = """
import sys
from zenml.cli.cli import cli

for command in sys.argv[1:]:
    cli(command.split(), standalone_mode=False)
print("all done")
"""


def test_command_shows_on_purpose(home):
    """`zenml secret get` prints the value that somebody asked for: no masking there."""
    done = home.python(COMMANDS, "secret get both", "secret get db", TACENDA_STACK="dev", COLUMNS="200")
    assert "all done" in done.stdout, done.stdout
    assert "example-of-zenml" in done.stdout
    assert "example-password" in done.stdout


WITHOUT_US = (
    COMMANDS
    + """
from zenml import pipeline
from zenml.client import Client
from zenml.exceptions import StepInterfaceError
from zenml.steps import step, StepContext

@step
def number() -> int:
    return 2

@pipeline
def plain() -> None:
    number()

@step
def loader(context: StepContext) -> None:
    context.stack.secrets_manager.get_secret("db")

@pipeline
def loading() -> None:
    loader()

assert plain().status == "completed"
assert Client().get_secret("both").secret_values == {"K": "example-of-zenml"}
assert not hasattr(Client().active_stack, "secrets_manager")
try:
    loading()
except StepInterfaceError as error:
    print("refused:", error)
"""
)


def test_database_without_us(home, answers):
    """With the plug-in removed the same database works: nothing of tacenda is in it."""
    assert sorted(answers["stored"]) == ["both", "private"]
    commands = ("stack list", "stack set default", "stack describe", "secret list", "container-registry list")
    done = home.python(WITHOUT_US, *commands, TACENDA_ADAPTERS="none", COLUMNS="200")
    assert done.returncode == 0, done.stdout
    assert "all done" in done.stdout
    assert "refused: Missing entrypoint input 'context'" in done.stdout  # the documented step, in ZenML's words (S3.41)
