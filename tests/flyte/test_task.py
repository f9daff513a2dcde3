"""`@task(secrets=...)`, as documented, and the environment that it makes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.flyte

TASKS = """
import asyncio, os
import IMPORT
from flyte import Secret, TaskEnvironment, task

env = TaskEnvironment("tasks")

@task
def bare() -> int: return 1
@task()
async def called() -> int: return 2
@task(secrets="token")
def sync_one() -> str: return f"{len(os.environ['TOKEN'])}"
@task(secrets=[Secret("token", as_env_var="T"), "other"], retries=2, cache="disable", short_name="nice")
async def async_list(n: int = 1) -> list[int]: return [len(os.environ["T"]), len(os.environ["OTHER"]), n]
@task(secrets=Secret("token", as_env_var="ONE"))
async def main() -> list[str]:
    first = [os.environ["ONE"][:7], str(await bare.aio()), str(await called())]
    return [*first, await sync_one.aio(), str(await async_list(n=5))]

if __name__ == "__main__":
    import flyte
    flyte.init()
    print(flyte.run(main).outputs())
    print([one.name for one in (bare, async_list)], async_list.short_name, async_list.retries.count, async_list.secrets)
    print(sorted(env.name for env in flyte._environment.list_loaded_environments()))
    for wrong in ({"secrets": 5}, {"secret": "x"}):
        try:
            task(**wrong)(lambda: None)
        except TypeError as error:
            print("TypeError:", error)
"""


@pytest.fixture(scope="module")
def ran(module_project) -> str:
    """Run the program, which imports the decorator from flyte, and thus tacenda_flyte before it."""
    module_project.keep({"token": "example-token", "other": "example-other-one"})
    done = module_project.run(TASKS.replace("IMPORT", "tacenda_flyte"))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_form(ran) -> None:
    """S2.5, S2.8, S2.10: bare, called, a text, a list, one `Secret`, async or not, and they call each other."""
    assert "o0=['example', '1', '2', '13', '[13, 17, 5]']" in ran


def test_names_and_options(ran) -> None:
    """The module gives the name, beside an environment of that name; other options go to upstream."""
    assert "['tasks-tasks.bare', 'tasks-tasks.async_list'] nice 2" in ran
    assert "['tasks', 'tasks-tasks']" in ran


def test_wrong_arguments(ran) -> None:
    """As upstream's own check."""
    assert "TypeError: Expected secrets to be of type SecretRequest, got <class 'int'>" in ran
    assert "unexpected keyword argument 'secret'" in ran


def test_by_command(project) -> None:
    """S2.5: `flyte run --local` finds such tasks; the CLI has called `flyte.init` by then, so nothing is imported."""
    project.keep({"token": "example-token", "other": "example-other-one"})
    done = project.run(
        TASKS.replace("import IMPORT", ""), command=("run", "--local", "tasks.py", "async_list", "--n", "4")
    )
    assert "[13, 17, 4]" in done.stdout, done.stdout


def test_decorator_of_ours(project) -> None:
    """`tacenda_flyte.task` is there without `flyte.init`, and with the adapter switched off."""
    script = TASKS.replace("import IMPORT", "from tacenda_flyte import task").replace(", task\n", "\n")
    project.keep({"token": "example-token", "other": "example-other-one"})
    done = project.run(script, TACENDA_ADAPTERS="none", TOKEN="12", T="123", OTHER="1234", ONE="example-one")
    assert "o0=['example', '1', '2', '2', '[3, 4, 5]']" in done.stdout, done.stdout
