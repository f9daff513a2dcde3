"""Many tasks at once in one process, which has one environment."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.flyte

SECRETS = {
    "shared": "example-shared-value",
    "one": "example-first-one",
    "two": "example-second-two",
    "group-a": {"key": "example-group-a"},
    "group-b": {"key": "example-group-b"},
}

TASKS = """
import asyncio, json, os, pathlib, threading, time
import flyte
import tacenda
from flyte import Secret, TaskEnvironment
from tacenda.providers import local

reads = []
fetch = local.LocalProvider.read
def counted(self, *args, **options):
    reads.append(args)
    return fetch(self, *args, **options)
local.LocalProvider.read = counted

MOUNT = "/etc/flyte/secrets"
shared = TaskEnvironment("shared", secrets="shared")
first = TaskEnvironment("first", secrets=Secret("one", as_env_var="TOKEN"))
second = TaskEnvironment("second", secrets=Secret("two", as_env_var="TOKEN"))
file_a = TaskEnvironment("file-a", secrets=Secret("key", group="group-a", mount=MOUNT))
file_b = TaskEnvironment("file-b", secrets=Secret("key", group="group-b", mount=MOUNT))
same = TaskEnvironment("same", secrets=[Secret("one", as_env_var="X"), Secret("two", as_env_var="X")])
given = TaskEnvironment("given", secrets=Secret("given", as_env_var="GIVEN"))
given_too = TaskEnvironment("given-too", secrets=[Secret("given", as_env_var="GIVEN"), "shared"])
plain = TaskEnvironment("plain")
results = {}

@shared.task
async def fan(n: int) -> bool:
    await asyncio.sleep(0.001 * (n % 7))
    return os.environ["SHARED"] == "example-shared-value"
@shared.task
def fan_sync(n: int) -> bool:
    return os.environ["SHARED"] == "example-shared-value"
@first.task
async def use_first(): results["first"] = os.environ["TOKEN"]; await asyncio.sleep(0.2)
@second.task
async def use_second(): results["second"] = os.environ["TOKEN"]; await asyncio.sleep(0.2)
@file_a.task
async def use_a(): await asyncio.sleep(0.2)
@file_b.task
async def use_b(): await asyncio.sleep(0.2)
@same.task
async def two_at_once(): results["never"] = True
@first.task
async def fails(): raise ValueError("on purpose")

@plain.task
async def main() -> list[bool]:
    found = await asyncio.gather(*(fan(n) for n in range(50)), *(fan_sync.aio(n) for n in range(10)))
    results["gone in between"] = "SHARED" not in os.environ
    return found
@plain.task
async def clash(): await asyncio.gather(use_first(), use_second())
@plain.task
async def one_after_the_other():
    await use_first()
    results["between"] = os.environ.get("TOKEN")
    await use_second()
@plain.task
async def file_clash(): await asyncio.gather(use_a(), use_b())
@given.task
async def use_given() -> str: return os.environ["GIVEN"][:13]
@given_too.task
async def use_given_too() -> str: return os.environ["GIVEN"][:13]
@plain.task
async def injected() -> list[str]: return [await use_given(), await use_given_too()]
@plain.task
async def again(): await asyncio.gather(use_first(), use_first())

def error_of(task):
    try:
        flyte.run(task)
    except Exception as error:
        return f"{type(error).__name__} {error.code}: {error}"

if __name__ == "__main__":
    flyte.init()
    results["fan"] = list(flyte.run(main).outputs().o0)
    results["reads"] = len(reads)
    for task in (clash, one_after_the_other, file_clash, two_at_once, fails):
        results[task.short_name] = error_of(task)
        time.sleep(0.4)  # the other task of a failed gather goes on
        names = {"TOKEN", "X", "SHARED", "FLYTE_SECRETS_DEFAULT_DIR"}
        results[task.short_name + " left"] = sorted(names & set(os.environ))
    results.pop("first"), results.pop("second", None)
    flyte.run(again)
    os.environ["_UNION_GIVEN"] = "example-given-by-the-cluster"
    results["injected"] = list(flyte.run(injected).outputs().o0)
    flyte.run(use_second)  # another run may mean another secret
    threads = [threading.Thread(target=flyte.run, args=[task]) for task in (use_first, use_first)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    results["token"] = os.environ.get("TOKEN")
    pathlib.Path("results.json").write_text(json.dumps(results))
"""


@pytest.fixture(scope="module")
def ran(module_project):
    """Run the program; return what it noted."""
    return module_project.noted(SECRETS, TASKS)[1]


def either_order(message: str, one: str, two: str, text: str) -> bool:
    return message.format(one, two) in text or message.format(two, one) in text


def test_fan_out(ran) -> None:
    """Fifty async tasks and ten in threads at once have the secret, read once from the backend."""
    assert ran["fan"] == [True] * 60
    assert ran["reads"] == 1


def test_variable_goes_with_the_last_task(ran) -> None:
    """The variable is gone when nobody needs it any more, though the run goes on."""
    assert ran["gone in between"] is True


@pytest.mark.parametrize("task", ["clash", "one_after_the_other"])
def test_one_variable_for_two_secrets_fails_closed(ran, task) -> None:
    """In one run a variable stands for one secret; the error names both, whether or not the tasks met."""
    assert either_order("variable TOKEN stands for {} and cannot be {} too", "'one'", "'two'", ran[task])
    assert " Conflict: " in ran[task]
    assert "  next: " in ran[task]
    assert ran[f"{task} left"] == []


def test_one_file_for_two_secrets_fails_closed(ran) -> None:
    """C3: flyte's file has no directory for the group, so two groups meet there."""
    message = "file key stands for {} and cannot be {} too"
    assert either_order(message, "'key' of group 'group-a'", "'key' of group 'group-b'", ran["file_clash"])


def test_two_declared_secrets_on_one_variable(ran) -> None:
    """C5: one task that declares two secrets for one variable does not start; the error names both."""
    assert "variable X stands for 'one' and cannot be 'two' too" in ran["two_at_once"]
    assert "never" not in ran


def test_failed_task_leaves_nothing(ran) -> None:
    """A task that raises takes its variables with it."""
    assert ran["fails"] == "RuntimeUserError ValueError: on purpose"
    assert ran["fails left"] == []


def test_same_secret_is_shared(ran) -> None:
    """Two tasks with one secret share the variable; another run, and other threads, may use it anew."""
    assert (ran["first"], ran["second"]) == ("example-first-one", "example-second-two")
    assert ran["token"] is None


def test_same_injected_secret_is_shared(ran) -> None:
    """Two tasks may have one secret of the cluster's in one variable, also if the stack gives one of them another."""
    assert ran["injected"] == ["example-given"] * 2
