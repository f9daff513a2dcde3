"""Real runs by `pyflyte run`: the documentation's page verbatim, masking, what fails and how, the example."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tacenda import open_store
from tacenda.testing import openbao

pytestmark = [pytest.mark.flytekit, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flytekit" / "workflow.py"
CONFIG = """
default_stack: dev
stacks:
  dev: {secrets: {provider: local, path: .secrets.json}}
  prod: {secrets: {provider: vault, vault_mount: secret}}
"""
STORED = {
    "my-api-keys": {"github_token": "example-github"},
    "my-certs": {"tls_cert": "example-certificate"},
    "long": {"value": "example-" + "long" * 60},
}
# The page's script, word for word, and a workflow to run it in.
PAGE = """
from flytekit import task, Secret
from flytekit.core.secrets import SecretsManager

# Assume secrets_manager is initialized elsewhere, typically available via context
secrets_manager = SecretsManager()

@task(secret_requests=[
    Secret(group="my-api-keys", key="github_token", mount_requirement=Secret.MountType.ENV_VAR),
    Secret(group="my-certs", key="tls_cert", mount_requirement=Secret.MountType.FILE, env_var="TLS_CERT_PATH")
])
def my_secure_task():
    # Accessing secrets at runtime (see next section)
    github_token = secrets_manager.my_api_keys.github_token
    tls_cert_path = secrets_manager.my_certs.tls_cert # This will return the file path

    print(f"GitHub Token: {github_token}")
    print(f"TLS Cert Path: {tls_cert_path}")
    # Further logic using the secrets
    import os
    print("read:", open(os.environ["TLS_CERT_PATH"]).read() == "example-" + "certificate")

from flytekit import workflow

@workflow
def main() -> None:
    my_secure_task()
"""
CARELESS = """
import logging, subprocess, sys
import flytekit
from flytekit import Deck, Secret, current_context, task, workflow

def long() -> str:
    return current_context().secrets.get("long", "value")

@task(enable_deck=True)
def careless() -> str:
    value = long()
    Deck("mine", f"<p>{value}</p>")
    subprocess.run(["echo", "child:", value], check=True)
    try:
        raise ConnectionError(f"no route to {value}")
    except ConnectionError as error:
        current_context().logging.exception("user log %s", value)
        flytekit.logger.error("flytekit's log", exc_info=error)
    return "fine"

@workflow
def printing() -> str:
    return careless()

@task
def fail() -> str:
    if long():
        raise ConnectionError(f"no route to {long()}")
    return ""

@workflow
def failing() -> str:
    return fail()

@task
def give() -> str:
    return long()

@workflow
def leaking() -> str:
    return give()

if __name__ == "__main__":
    fail()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {"tacenda.yaml": CONFIG, ".secrets.json": json.dumps(STORED), "page.py": PAGE, "careless.py": CARELESS}
    for name, text in files.items():
        tmp_path.joinpath(name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("setting", "shown"), [("content", "[masked]"), ("path", "/tls_cert")])
def test_the_page(run_program, project: Path, setting: str, shown: str):
    """The documentation's script runs as it stands (S4.20 to S4.28); a setting makes its remark on paths true (C7)."""
    done = run_program(project, "pyflyte", "run", "page.py", "main", TACENDA_FLYTEKIT_FILE_ATTRIBUTE=setting)
    assert done.returncode == 0, done.stdout
    assert "GitHub Token: [masked]" in done.stdout
    assert f"{shown}\n" in done.stdout.partition("TLS Cert Path: ")[2]
    assert "read: True" in done.stdout
    assert "example-" not in done.stdout


def test_everything_printed_or_written(run_program, project: Path, leaks):
    """Output, flytekit's and users' logs with tracebacks that Rich folds, children, decks: nothing has the value."""
    done = run_program(project, "pyflyte", "-v", "run", "careless.py", "printing")
    assert done.returncode == 0, done.stdout
    assert "child: [masked]" in done.stdout
    assert done.stdout.count("no route to [masked]") >= 2
    assert any(path.name == "deck.html" and "[masked]" in path.read_text() for path in project.rglob("*.html"))
    assert not leaks(project, done.stdout, STORED["long"]["value"])
    assert "longlong" not in done.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["pyflyte", "run", "careless.py", "failing"], "no route to [masked]"),
        (["pyflyte", "run", "careless.py", "leaking"], "output 'o0' of task 'careless.give' holds the value"),
        (["python", "careless.py"], "no route to [masked]"),
    ],
)
def test_failures(run_program, project: Path, leaks, command: list[str], said: str):
    """A failing task, and one that gives a secret back, fail the run; no part of the value is shown or written."""
    done = run_program(project, *command, COLUMNS="80")
    assert done.returncode == 1, done.stdout
    assert said in " ".join(done.stdout.replace("│", " ").split())
    assert "longlong" not in done.stdout
    assert not leaks(project, done.stdout, STORED["long"]["value"])


def test_missing_in_a_run(run_program, project: Path):
    """A missing secret fails the run with each place that was asked; the local name supplies it (S4.45)."""
    project.joinpath(".secrets.json").write_text("{}")
    run = (project, "pyflyte", "run", "careless.py", "printing")
    done = run_program(*run)
    assert done.returncode == 1, done.stdout
    said = " ".join(done.stdout.replace("│", " ").split())
    assert "MissingSecret: Please make sure to add secret_requests=[Secret(group=long, key=value)]" in said
    assert "tried: environment: _FSEC_LONG_VALUE, FLYTE_SECRETS_LONG_VALUE, LONG_VALUE" in said
    done = run_program(*run, LONG_VALUE="example-from-the-shell")
    assert "child: [masked]" in done.stdout


def test_example(run_program, tmp_path: Path, leaks, monkeypatch: pytest.MonkeyPatch):
    """The example runs unchanged on a file and on a real server, and shows neither secret (S4.1 to S4.3, S4.29)."""
    tmp_path.joinpath("tacenda.yaml").write_text(CONFIG)
    shutil.copy(EXAMPLE, tmp_path)
    values: list[str] = []
    with openbao() as server:
        login = {"VAULT_ADDR": server.url, "VAULT_TOKEN": server.token}
        for name, value in login.items():
            monkeypatch.setenv(name, value)
        for stack in ("dev", "prod"):
            key, password = f"example-key-of-{stack}", f"example-password-of-{stack}"
            documents = {"api-keys": {"API_KEY": key}, "db-credentials": {"HOST": f"db.{stack}", "PASSWORD": password}}
            with open_store(stack, tmp_path / "tacenda.yaml") as store:
                for name, document in documents.items():
                    store.set(name, document)
            done = run_program(tmp_path, "pyflyte", "run", "workflow.py", "main", TACENDA_STACK=stack, **login)
            values += [key, password]
            assert done.returncode == 0, done.stdout
            assert f"API key: [masked]\ndatabase: db.{stack}, password: [masked]\n" in done.stdout
            assert "also in the environment: True" in done.stdout
            for line in ("a header: ", "from a child process: ", "from a log: ", "ConnectionError: "):
                assert "[masked]" in done.stdout.partition(line)[2].partition("\n")[0], line
            assert not leaks(tmp_path, done.stdout, *values, server.token)
