"""One real flow, run once, that uses `@secrets` and `current.secrets` in all the documented ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.metaflow

STORED = {
    "api-keys": {"API_KEY": "example-key", "client-id": "example-client"},
    "db-credentials": {"HOST": "localhost", "PORT": 5432, "PASSWORD": "example-password", "OPTIONS": {"ssl": True}},
    "my-token": "example-token",
}
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps(STORED),
}
FLOW = """
import json, os, tempfile
from metaflow import FlowSpec, current, secrets, step
import tacenda

STORED = json.loads(open(".secrets.json").read())

def attempt(action):
    try:
        return repr(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def connect(*, HOST, PORT, PASSWORD, OPTIONS):
    return [HOST, PORT, PASSWORD, OPTIONS] == list(STORED["db-credentials"].values())

class AllFlow(FlowSpec):
    @secrets(sources=["api-keys", "db-credentials", "my-token"])
    @step
    def start(self):
        creds = current.secrets["db-credentials"]
        with tempfile.TemporaryFile("w+") as file:
            json.dump(creds, file)
            file.seek(0)
            dumped = json.load(file)
        from_environment = tacenda.open_store(config={"stacks": {"only": {"secrets": {"provider": "env"}}}})
        print("FACTS", json.dumps({
            "attribute": current.secrets.api_keys["API_KEY"] == "example-key",
            "item": current.secrets["api-keys"]["API_KEY"] == "example-key",
            "several": [current.secrets.api_keys.client_id[-6:] == "client", creds["PASSWORD"] == "example-password"],
            "text": [isinstance(current.secrets["my-token"], str), current.secrets.my_token == "example-token"],
            "number": creds["PORT"] + 0,
            "names": list(current.secrets),
            "in": ["secrets" in current, "api-keys" in current.secrets, "other" in current.secrets],
            "dict": [isinstance(creds, dict), connect(**creds), dumped == STORED["db-credentials"]],
            "repr": [repr(current.secrets), repr(creds), repr(current.secrets.my_token)],
            "unknown": [attempt(lambda: current.secrets["other"]), attempt(lambda: current.secrets.other)],
            "assign": [attempt(lambda: current.secrets.update(x=1)), attempt(lambda: creds.pop("PORT"))],
            "variables": {name: os.environ.get(name, "").replace("example-", "") for name in (
                "API_KEY", "client_id", "HOST", "PORT", "PASSWORD", "OPTIONS", "my_token", "TACENDA_INJECTED")},
            "read_back": from_environment.get("PASSWORD", default=None) is None,
        }))
        self.next(self.end)

    @step
    def end(self):
        print("PLAIN", json.dumps({
            "error": attempt(lambda: current.secrets),
            "in": "secrets" in current,
            "variable": "API_KEY" in os.environ,
        }))

if __name__ == "__main__":
    AllFlow()
"""


@pytest.fixture(scope="module")
def output(run_flow) -> str:
    done = run_flow(FLOW, FILES)
    assert done.returncode == 0, done.stdout
    return done.stdout


def said(output: str, word: str) -> dict[str, Any]:
    return json.loads(output.partition(f"] {word} ")[2].partition("\n")[0])


@pytest.fixture(scope="module")
def facts(output: str) -> dict[str, Any]:
    return said(output, "FACTS")


@pytest.fixture(scope="module")
def plain(output: str) -> dict[str, Any]:
    return said(output, "PLAIN")


def test_attribute(facts):
    """`current.secrets.api_keys["API_KEY"]` is the value; hyphens are underscores (S1.17)."""
    assert facts["attribute"]


def test_item(facts):
    """`current.secrets["api-keys"]["API_KEY"]` is the value (S1.24)."""
    assert facts["item"]


def test_several_sources(facts):
    """One decorator serves several sources, which stay apart (S1.23)."""
    assert facts["several"] == [True, True]


def test_text_secret(facts):
    """A text secret is the value itself, a `str` (S1.32)."""
    assert facts["text"] == [True, True]


def test_number(facts):
    """A number in JSON stays a number for database drivers (S1.57)."""
    assert facts["number"] == 5432


def test_iteration(facts):
    """`current.secrets` can be bound and iterated over the sources, in their order (S1.29)."""
    assert facts["names"] == ["api-keys", "db-credentials", "my-token"]
    assert facts["in"] == [True, True, False]


def test_bundles_are_dicts(facts):
    """A secret is a dict for libraries: `isinstance`, `**creds`, and `json.dump` into a file (S1.62, S1.63, S1.64)."""
    assert facts["dict"] == [True, True, True]


def test_repr(facts):
    """Whatever is printed as a repr shows names only."""
    assert facts["repr"] == [
        "<SecretBundle [masked] keys=['api-keys', 'db-credentials', 'my-token']>",
        "<SecretBundle [masked] keys=['HOST', 'OPTIONS', 'PASSWORD', 'PORT']>",
        "<Secret [masked]>",
    ]


def test_unknown_source(facts):
    """A source that the step does not declare is an error that lists those it does."""
    item, attribute = facts["unknown"]
    assert item.startswith("SecretNotFound: current.secrets has no key 'other'")
    assert attribute.startswith("AttributeError: current.secrets: attribute 'other'")
    assert all("api-keys" in text and "my-token" in text for text in (item, attribute))


def test_read_only(facts):
    """Nobody changes what other code will read."""
    assert all(text.startswith("TypeError: a SecretBundle is read-only") for text in facts["assign"])


def test_environment(facts):
    """Keys are injected as variables, spelled as Metaflow does, a text under its name, JSON as JSON (S1.15)."""
    variables = facts["variables"]
    injected = variables.pop("TACENDA_INJECTED")
    assert variables == {
        "API_KEY": "key",
        "client_id": "client",
        "HOST": "localhost",
        "PORT": "5432",
        "PASSWORD": "password",
        "OPTIONS": '{"ssl": true}',
        "my_token": "token",
    }
    assert set(injected.split(",")) == set(variables)


def test_never_read_back(facts):
    """What was injected is no source of secrets: a stack on the environment does not see it."""
    assert facts["read_back"]


def test_only_declaring_steps(plain):
    """A step without @secrets has neither `current.secrets` nor the variables, and is told what to add (S1.55)."""
    assert plain == {
        "error": "AttributeError: step 'end' declares no secrets, so there is no current.secrets: "
        "decorate the step with @secrets(sources=[...])",
        "in": False,
        "variable": False,
    }


def test_nothing_in_the_output(output: str):
    """The flow's output and Metaflow's own lines hold no value."""
    assert not [word for word in ("example-key", "example-password", "example-token") if word in output]
