"""What tasks declare, and what is there while they run: one program, many tasks, looked at line by line."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.flyte

SECRETS = {
    "my-api-key": "example-api-key",
    "my_secret": "example-underscore",
    "openai-key": "example-openai",
    "db": {"password": "example-db-password", "HOST": "db.example"},
    "db-config": {"TOKEN": "example-token", "PORT": 5432},
    "spaces": "  example-spaces \n",
}

TASKS = """
import asyncio, json, os, pathlib
import flyte
from flyte import Secret, TaskEnvironment

MOUNT = "/etc/flyte/secrets"
NAMES = ("MY_API_KEY", "OPENAI_API_KEY", "DB_PASSWORD", "MY_SECRET", "SPACES", "DB_CONFIG", "FLYTE_SECRETS_DEFAULT_DIR")

def seen():
    return {name: os.environ[name] for name in NAMES if name in os.environ}

listed = TaskEnvironment("listed", secrets=[
    "my-api-key",
    Secret("openai-key", as_env_var="OPENAI_API_KEY"),
    Secret("db-config", mount=pathlib.Path(MOUNT)),
    Secret("password", group="db"),
    "my_secret",
    "spaces",
])
one_text = TaskEnvironment("one-text", secrets="my-api-key")
one_secret = TaskEnvironment("one-secret", secrets=Secret("openai-key", as_env_var="OPENAI_API_KEY"))
plain = TaskEnvironment("plain")
both = TaskEnvironment("both", secrets=Secret("db-config", mount=MOUNT, as_env_var="DB_CONFIG"))

results = {}
note = results.__setitem__

@listed.task
async def a_list(): note("a list", seen() | {"file": pathlib.Path(MOUNT, "db-config").read_text(),
    "at": pathlib.Path(os.environ["FLYTE_SECRETS_DEFAULT_DIR"], "db-config").read_text(),
    "mode": oct(os.stat(MOUNT + "/db-config").st_mode & 0o777),
    "noted": os.environ["TACENDA_INJECTED"].split(",")})
@one_text.task
async def a_text(): note("a text", seen())
@one_secret.task
def a_secret(): note("a secret", seen())
@plain.task
async def without(): note("without", seen())
@plain.task
async def overridden(): note("override", seen())
@both.task
async def mount_and_variable(): note("both", seen() | {"file": open(f"{MOUNT}/db-config").read()})
@one_text.task
async def exported(): note("exported", seen())
@one_text.task
def plain_call(): return seen()

@plain.task
async def everything():
    await a_list(); await a_text(); await a_secret.aio(); await without()
    await overridden.override(secrets=["my_secret"])(); await mount_and_variable()

if __name__ == "__main__":
    flyte.init()
    flyte.run(everything)
    note("a text alone", results["a text"])  # before other runs note theirs
    note("after", seen() | {"noted": os.environ.get("TACENDA_INJECTED"), "there": os.path.exists(MOUNT)})
    note("plain call", plain_call() | {"forward": plain_call.forward()})
    os.environ["MY_API_KEY"] = "example-exported"
    flyte.run(exported)
    note("variable", results["exported"])
    del os.environ["MY_API_KEY"]
    os.environ["_UNION_MY_API_KEY"] = "example-union"
    flyte.run(a_text)
    note("union", results["a text"])
    del os.environ["_UNION_MY_API_KEY"]
    injected = pathlib.Path("injected")
    injected.mkdir()
    (injected / "my-api-key").write_text("example-file\\n")
    os.environ["FLYTE_SECRETS_DEFAULT_DIR"] = str(injected)
    flyte.run(exported)
    note("injected file", results["exported"])
    note("user's directory", os.environ["FLYTE_SECRETS_DEFAULT_DIR"])
    print("and printed:", results)
    pathlib.Path("results.json").write_text(json.dumps(results))
"""


@pytest.fixture(scope="module")
def seen(module_project):
    """Run the program; return what each task saw, in clear: the program wrote that on purpose."""
    printed, results = module_project.noted(SECRETS, TASKS)
    (module_project.directory / "results.json").unlink()
    (module_project.directory / "injected" / "my-api-key").unlink()
    module_project.values |= {"exported": "example-exported", "union": "example-union", "file": "example-file"}
    (module_project.directory / "tasks.py").unlink()
    results["leaks"] = module_project.leaks(printed)
    return results


def test_list_of_everything(seen) -> None:
    """S2.2, S2.6, S2.7, S2.11, S2.41, S2.42: a text, a variable of its own name, a group, an underscore."""
    variables = {name: value for name, value in seen["a list"].items() if name.isupper()}
    del variables["FLYTE_SECRETS_DEFAULT_DIR"]
    assert variables == {
        "MY_API_KEY": SECRETS["my-api-key"],
        "OPENAI_API_KEY": SECRETS["openai-key"],
        "DB_PASSWORD": "example-db-password",
        "MY_SECRET": SECRETS["my_secret"],
        "SPACES": SECRETS["spaces"],
    }


def test_mount(seen) -> None:
    """S2.13, S2.17: the file, at the documented path and where the cluster's variable says, for this user only."""
    text = '{"TOKEN": "example-token", "PORT": 5432}'
    assert [seen["a list"][key] for key in ("file", "at", "mode")] == [text, text, "0o400"]


def test_injected_names_are_noted(seen) -> None:
    """The `env` provider, here or in a child process, must not take what tacenda injected for the user's own."""
    assert {"MY_API_KEY", "DB_PASSWORD"} <= set(seen["a list"]["noted"])


def test_text_and_one_secret(seen) -> None:
    """S2.8, S2.10: no list is needed; each task has its own secrets only."""
    assert seen["a text alone"] == {"MY_API_KEY": SECRETS["my-api-key"]}
    assert seen["a secret"] == {"OPENAI_API_KEY": SECRETS["openai-key"]}


def test_override(seen) -> None:
    """`.override(secrets=...)` counts for that call."""
    assert seen["override"] == {"MY_SECRET": SECRETS["my_secret"]}


def test_task_without_secrets_has_none(seen) -> None:
    """S2.12: as in a pod of its own."""
    assert seen["without"] == {}


def test_mount_and_variable_together(seen) -> None:
    """S2.13: upstream drops such a mount on the way to a cluster; here both are there."""
    assert seen["both"]["DB_CONFIG"] == seen["both"]["file"] == '{"TOKEN": "example-token", "PORT": 5432}'


def test_nothing_is_left(seen) -> None:
    """S2.12: neither variables nor notes nor files outlive their tasks."""
    assert seen["after"] == {"noted": None, "there": False}


def test_plain_call_stays_plain(seen) -> None:
    """Upstream's own rule: outside of a run, a call is a call of the function, and so is `forward`."""
    assert seen["plain call"] == {"forward": {}}


def test_exported_variable_wins(seen) -> None:
    """C1: flyte itself looks into the environment, so a variable that somebody has set wins."""
    assert seen["variable"]["MY_API_KEY"] == "example-exported"
    assert seen["union"]["MY_API_KEY"] == "example-union"


def test_injected_file_serves(seen) -> None:
    """C1, C3: a file that an injector has mounted is asked before the stack, whitespace and all."""
    assert seen["injected file"]["MY_API_KEY"] == "example-file\n"
    assert seen["user's directory"] == "injected"


def test_nothing_leaked(seen) -> None:
    """S2.1: not in the output, also what came from the environment or a file, and not in what the runs wrote."""
    assert seen["leaks"] == []
