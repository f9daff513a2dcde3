"""One real flow, run once, that uses `@secrets` and `current.secrets` in all the documented ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.metaflow

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
ACCOUNT = {
    "type": "service_account",
    "project_id": "example-project",
    "private_key": KEY.decode(),
    "client_email": "example@example-project.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
    "scopes": {"default": ["a", "b"], "count": 2},
}
STORED = {
    "api-keys": {"API_KEY": "example-key", "client-id": "example-client"},
    "db-credentials": {"HOST": "localhost", "PORT": 5432, "PASSWORD": "example-password", "OPTIONS": {"ssl": True}},
    "my-token": "example-token",
    "gcp-service-account": ACCOUNT,
    "team.one": {"USER": "example-user-1"},
    "team.two": {"USER": "example-user-2"},
}
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps(STORED),
}
FLOW = """
import json, os, signal, tempfile
from metaflow import FlowSpec, current, retry, secrets, step
from google.oauth2.service_account import Credentials
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
        self.next(self.account)

    @secrets(sources=["gcp-service-account", "my-token"], env=False)
    @step
    def account(self):
        account = current.secrets["gcp-service-account"]
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            json.dump(account, file)
        as_documented = Credentials.from_service_account_file(file.name)
        os.unlink(file.name)
        info = Credentials.from_service_account_info(account)
        with account.as_file(name="key.json") as path:
            from_file = Credentials.from_service_account_file(path)
            with open(path) as file:
                same = json.load(file) == STORED["gcp-service-account"]
            mode = [oct(os.stat(place).st_mode & 0o777) for place in (path, os.path.dirname(path))]
        self.path = current.secrets.my_token.as_file()
        print("ACCOUNT", json.dumps({
            "signed": [each.sign_bytes(b"x") == info.sign_bytes(b"x") for each in (as_documented, from_file)],
            "nested": [account["scopes"]["default"], account.scopes.count],
            "file": [same, mode, os.path.exists(path), open(self.path).read() == "example-token"],
            "none": [name for name in ("private_key", "my_token") if name in os.environ],
            "path": self.path,
        }))
        self.next(self.prefixed)

    @retry(times=1, minutes_between_retries=0)
    @secrets(sources=["team.one", "local://.secrets.json#my-token"], prefix="PROD_")
    @step
    def prefixed(self):
        path = current.secrets["team.one"].as_file()
        if current.retry_count == 0:
            with open("killed", "w") as file:
                file.write(path)
            with open(".secrets.json", "w") as file:
                json.dump({**STORED, "my-token": "example-rotated"}, file)
            os.kill(os.getpid(), signal.SIGKILL)
        print("PREFIXED", json.dumps({
            "variables": {name: value for name, value in os.environ.items() if name.startswith("PROD_")},
            "rotated": current.secrets.my_token[-7:],
            "names": list(current.secrets),
            "plain": self.path,
        }))
        self.next(self.shared)

    @secrets(sources=["team.one", "team.two"], env=False)
    @step
    def shared(self):
        print("SHARED", json.dumps([current.secrets[name]["USER"][-1] for name in current.secrets]))
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
def directory(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("current_secrets")


@pytest.fixture(scope="module")
def output(run_flow, directory) -> str:
    done = run_flow(FLOW, FILES, directory=directory)
    assert done.returncode == 0, done.stdout
    return done.stdout


def said(output: str, word: str) -> Any:
    return json.loads(output.partition(f"] {word} ")[2].partition("\n")[0])


@pytest.fixture(scope="module")
def facts(output: str) -> dict[str, Any]:
    return said(output, "FACTS")


@pytest.fixture(scope="module")
def account(output: str) -> dict[str, Any]:
    return said(output, "ACCOUNT")


@pytest.fixture(scope="module")
def prefixed(output: str) -> dict[str, Any]:
    return said(output, "PREFIXED")


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
        "<current.secrets [masked] sources=['api-keys', 'db-credentials', 'my-token']>",
        "<SecretBundle [masked] keys=['HOST', 'OPTIONS', 'PASSWORD', 'PORT']>",
        "<Secret [masked]>",
    ]


def test_unknown_source(facts):
    """A source that the step does not declare is an error that lists those it does."""
    item, attribute = facts["unknown"]
    assert item.startswith("SecretNotFound: @secrets of this step has no source 'other'")
    assert attribute.startswith("AttributeError: @secrets of this step has no source 'other'")
    assert all("api-keys" in text and "my-token" in text for text in (item, attribute))


def test_read_only(facts):
    """Nobody changes what other code will read."""
    view, bundle = facts["assign"]
    assert view.startswith("TypeError: a StepSecrets is read-only")
    assert bundle.startswith("TypeError: a SecretBundle is read-only")


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


def test_service_account(account):
    """A service account's JSON goes straight into google-auth, or as the documented temporary file (S1.5, S1.63-65)."""
    assert account["signed"] == [True, True]
    assert account["nested"] == [["a", "b"], 2]


def test_as_file(account):
    """`as_file` is a path for libraries, in the exact stored form; 0600 in 0700; gone after the `with`."""
    assert account["file"] == [True, ["0o600", "0o700"], False, True]


def test_file_ends_with_its_task(account, prefixed):
    """A path without `with` lasts as long as its task; saved as an artifact it is a path, and no value."""
    assert prefixed["plain"] == account["path"]
    assert not Path(account["path"]).exists()


def test_file_of_a_killed_task(directory):
    """A task that is killed leaves no file behind."""
    path = Path((directory / "killed").read_text())
    assert path.name == "secret"
    assert not path.parent.parent.exists()


def test_without_environment(account):
    """`env=False` leaves the environment alone."""
    assert account["none"] == []


def test_prefix(prefixed):
    """`prefix=` goes before every name: a bundle's keys, and the short name of a reference."""
    assert sorted(prefixed["variables"]) == ["PROD_USER", "PROD_my_token"]


def test_retry(prefixed):
    """A retry has what is stored by then, as `current.secrets` and as a variable (S1.51)."""
    assert prefixed["rotated"] == "rotated"


def test_reference(prefixed):
    """A reference is in `current.secrets` as written, and answers to its short name (S1.28)."""
    assert prefixed["names"] == ["team.one", "local://.secrets.json#my-token"]


def test_same_keys(output):
    """Two secrets with a key of one name stay apart in `current.secrets` (S1.25)."""
    assert said(output, "SHARED") == ["1", "2"]


def test_only_declaring_steps(output):
    """A step without @secrets has neither `current.secrets` nor the variables, and is told what to add (S1.55)."""
    assert said(output, "PLAIN") == {
        "error": "AttributeError: step 'end' declares no secrets, so there is no current.secrets: "
        "decorate the step with @secrets(sources=[...])",
        "in": False,
        "variable": False,
    }


def test_nothing_in_the_output(output: str):
    """The flow's output and Metaflow's own lines hold no value; a USER is none (S1.59)."""
    words = ("example-key", "example-password", "example-token", "example-rotated", "BEGIN PRIVATE")
    assert not [word for word in words if word in output]
