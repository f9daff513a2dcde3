"""Secrets that are missing, backends that are broken, names that are illegal."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.flyte

TASKS = """
import asyncio, json, os, pathlib
import flyte
from flyte import Secret, TaskEnvironment
from tacenda._active import use_stack

missing = TaskEnvironment("missing", secrets=["nobody-has-this", "there", Secret("nor-this", group="db")])
broken = TaskEnvironment("broken", secrets=["nobody-has-this", Secret("vault://secret/x", as_env_var="X")])
binary = TaskEnvironment("binary", secrets=Secret("raw", as_env_var="RAW"))
mounted = TaskEnvironment("mounted", secrets=Secret("a/b", mount="/etc/flyte/secrets"))
late = TaskEnvironment("late", secrets=Secret("there", as_env_var="NAME"))
plain = TaskEnvironment("plain")
ran = []
attempts = []

@missing.task(retries=3)
async def needs(): ran.append("needs")
@broken.task
async def asks(): ran.append("asks")
@mounted.task
async def mounts(): ran.append("mounts")
@late.task
async def newline(): ran.append("newline")
@plain.task
async def handles() -> str:
    try:
        await needs()
    except flyte.errors.RuntimeUserError as error:
        return error.code
@plain.task
async def own_error():
    import tacenda
    try:
        tacenda.get("nobody-has-this")
    finally:
        attempts.append("own")
newline.secrets.as_env_var = "NAME\\n"

def error_of(task):
    try:
        return str(flyte.run(task).outputs())
    except Exception as error:
        return [type(error).__name__, error.code, str(error)]

if __name__ == "__main__":
    flyte.init()
    results = {task.short_name: error_of(task) for task in (needs, asks, mounts, newline, handles, own_error)}
    pathlib.Path("results.json").write_text(json.dumps(results | {"ran": ran}))
"""


@pytest.fixture(scope="module")
def errors(module_project):
    """Run the program; return each task's error."""
    secrets = {"there": "example-there", "db": {"password": "example-password"}}
    down = {"VAULT_ADDR": "http://127.0.0.1:9", "VAULT_TOKEN": "example", "TACENDA_DEADLINE": "0.5"}
    return module_project.noted(secrets, TASKS, **down)[1]


def test_missing_secrets_are_one_error(errors) -> None:
    """C6: the task fails before its code, once for all that is missing, and says where it was looked for."""
    kind, code, message = errors["needs"]
    assert (kind, code) == ("RuntimeUserError", "SecretNotFound")
    assert "task 'missing.needs' was not started" in message
    assert message.count("tried: local") == 2
    assert "'nobody-has-this'" in message
    assert "nor-this" in message
    assert "'there'" not in message


def test_broken_backend_is_another_error(errors) -> None:
    """C6: a secret that could not be asked for is never called missing."""
    kind, code, message = errors["asks"]
    assert (kind, code) == ("RuntimeUserError", "BackendUnavailable")
    assert "could not be read" in message
    assert "127.0.0.1:9" in message


def test_no_code_has_run(errors) -> None:
    """None of the tasks that failed had begun."""
    assert errors["ran"] == []


def test_parent_can_handle_it(errors) -> None:
    """A task that calls another sees flyte's own error, with the name of tacenda's as its code."""
    assert errors["handles"] == 'ActionOutputs(o0="SecretNotFound")'


def test_users_own_error_stays(errors) -> None:
    """What a task's own code raises is what upstream makes of it."""
    assert errors["own_error"][:2] == ["RuntimeUserError", "SecretNotFound"]
    assert "was not started" not in errors["own_error"][2]


def test_mounted_key_is_a_file_name(errors) -> None:
    """S2.15: `/etc/flyte/secrets/<key>` has no room for a key with directories."""
    assert errors["mounts"][1] == "InvalidReference"
    assert "'a/b' cannot be mounted" in errors["mounts"][2]


def test_newline_is_refused_at_the_latest_when_run(errors) -> None:
    """S2.44: also in a `Secret` that was made before the adapter was there."""
    assert errors["newline"][1] == "ValueError"


def check(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import tacenda_flyte, flyte, pathlib\nfrom flyte import Secret\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


REFUSED = """
try:
    Secret({arguments})
except ValueError as error:
    print(error)
else:
    print("taken")
"""


PROPOSAL = "give 'my.key' one: as_env_var=\"...\""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "'my-key', mount=pathlib.Path('/tmp/secrets')",
            "Only /etc/flyte/secrets is supported as secret mount path today.",
        ),
        ("'k', as_env_var='OK\\n'", "Invalid environment variable name: 'OK\\n', must match ^[A-Z_][A-Z0-9_]*$"),
        ("'k', as_env_var='no'", "Invalid environment variable name: no, must match ^[A-Z_][A-Z0-9_]*$"),
        ("'my.key'", "Invalid environment variable name: MY.KEY, must match ^[A-Z_][A-Z0-9_]*$; " + PROPOSAL),
        ("'my.key', as_env_var='MY_KEY'", "taken"),
        ("'my-secret-key'", "taken"),
        ("'my_secret'", "taken"),
        ("'db-config', mount='/etc/flyte/secrets'", "taken"),
    ],
)
def test_documented_names(arguments, message) -> None:
    """S2.14, S2.42, S2.43, S2.44, S2.45: upstream's texts, with a proposal where a name has to be given."""
    assert check(REFUSED.format(arguments=arguments)) == message
