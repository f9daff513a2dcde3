"""What a local run prints and keeps: outputs are searched, everything else is masked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.flyte

SECRETS = {"token": "example-leaky-token-1", "other": "example-leaky-other-2"}

TASKS = """
import asyncio, base64, json, logging, os, pathlib, subprocess
from dataclasses import dataclass
import flyte, flyte.io, flyte.report
from tacenda.masking import allow_leak

env = flyte.TaskEnvironment("env", secrets=["token", "other"])
plain = flyte.TaskEnvironment("plain")

@dataclass
class Answer:
    header: str

kept = []
def value(): return os.environ["TOKEN"]

@env.task
async def returns_text() -> str: return f"Bearer {value()}"
@env.task
async def returns_encoded() -> dict[str, str]: return {"h": base64.b64encode(f"u:{value()}".encode()).decode()}
@env.task
def returns_two() -> tuple[int, Answer]: return 1, Answer(value())
@env.task(cache="auto")
async def returns_cached() -> str: return value()
@env.task
async def returns_undeclared(): return value()
@env.task
async def returns_file() -> flyte.io.File:
    with open("file.txt", "w") as file:
        file.write("token=" + value())
    try:
        return await flyte.io.File.from_local("file.txt")
    finally:
        kept.append("file.txt")
@env.task
async def returns_directory() -> flyte.io.Dir:
    os.makedirs("directory/inner", exist_ok=True)
    pathlib.Path("directory/inner/deep.txt").write_text(value())
    kept.append("directory/inner/deep.txt")
    return await flyte.io.Dir.from_local("directory")
@dataclass
class Files:
    files: dict[str, list[flyte.io.File]]
@env.task
async def returns_files() -> Files:
    with open("inner.txt", "w") as file:
        file.write("token=" + value())
    kept.append("inner.txt")
    return Files({"a": [await flyte.io.File.from_local("inner.txt")]})
@env.task
@allow_leak("o0")
async def allowed() -> str: return value().upper().lower()
@env.task
async def returns_length() -> int: return len(value())
@env.task
async def raises():
    try:
        raise ConnectionError(f"no route to postgres://u:{value()}@db")
    except ConnectionError as error:
        raise RuntimeError(f"tried with {value()}") from error
@env.task(report=True)
async def reports():
    await flyte.report.log.aio(f"<p>{value()}</p>")
    flyte.report.get_tab("more").log(value())
    await flyte.report.flush.aio()
@flyte.trace
async def traced(name: str) -> str: return value()
@flyte.trace
async def traced_error(name: str) -> int: raise ValueError(value())
@env.task
async def traces() -> str:
    try:
        await traced_error("x")
    except ValueError as error:
        assert value() in str(error)  # the caller has the real one
    return str(len(await traced("x")))
@env.task
@allow_leak("traced")
async def traces_allowed() -> int: return len(await traced("x"))
@plain.task
async def child(text: str) -> int: return len(text)
@env.task
async def passes_on() -> int: return await child(value())
@env.task
async def prints():
    print("printed:", value())
    logging.getLogger("mine").warning("logged: %s", value())
    flyte.logger.warning("flyte's logger: %s", value())
    logging.getLogger("flyte").error("upstream's logger: %s", value())
    subprocess.run('echo "child: $TOKEN"', shell=True, check=True)
    os.write(1, f"written: {value()}\\n".encode())
@plain.task
async def reads_itself() -> str:
    import tacenda
    return tacenda.get("token") + "!"

def error_of(task):
    try:
        return str(flyte.run(task).outputs())
    except Exception as error:
        text = str(error)
        return [type(error).__name__, getattr(error, "code", None), text]

if __name__ == "__main__":
    flyte.init(local_persistence=True, log_level=logging.INFO)
    tasks = (returns_text, returns_encoded, returns_two, returns_cached, returns_undeclared, returns_length, raises,
             returns_file, returns_files, returns_directory,
             reports, traces, traces_allowed, passes_on, prints, reads_itself)
    results = {task.short_name: error_of(task) for task in tasks}
    results["same"] = flyte.run(allowed).outputs().o0 == "example-" + "leaky-token-1"
    for path in kept:  # what the tasks wrote themselves
        os.remove(path)
    pathlib.Path("results.json").write_text(json.dumps(results))
    flyte.run(raises)
"""


@pytest.fixture(scope="module")
def ran(module_project):
    """Run the program, which ends in an exception; return its results, its output, and where values are."""
    module_project.keep(SECRETS)
    done = module_project.run(TASKS)
    results = json.loads((module_project.directory / "results.json").read_text())
    return {**results, "output": done.stdout, "leaks": module_project.leaks(done.stdout), "code": done.returncode}


@pytest.mark.parametrize(
    ("task", "output"),
    [
        ("returns_text", "output 'o0' of task 'env.returns_text'"),
        ("returns_encoded", "output 'o0' of task 'env.returns_encoded'"),
        ("returns_two", "output 'o1' of task 'env.returns_two'"),
        ("returns_cached", "output 'o0' of task 'env.returns_cached'"),
        ("returns_undeclared", "output 'o0' of task 'env.returns_undeclared'"),
        ("returns_file", "output 'o0' of task 'env.returns_file', file 'file.txt',"),
        ("returns_files", "output 'o0' of task 'env.returns_files', file 'inner.txt',"),
        ("returns_directory", "output 'o0' of task 'env.returns_directory', file 'deep.txt',"),
        ("reads_itself", "output 'o0' of task 'plain.reads_itself'"),
        ("traces", "the output of trace 'traced'"),
    ],
)
def test_outputs_are_refused(ran, task, output) -> None:
    """An output that holds a value fails the run, naming task, output and secret, before anything is kept."""
    kind, code, message = ran[task]
    assert (kind, code) == ("RuntimeUserError", "SecretLeak")
    assert f"{output} holds the value of 'local://.secrets.json#token' and is not saved" in message


def test_other_outputs_pass(ran) -> None:
    """What is made of a secret and does not hold it is an output like any other."""
    assert ran["returns_length"] == f"ActionOutputs(o0={len(SECRETS['token'])})"


def test_allow_leak_exempts_a_trace(ran) -> None:
    """`allow_leak` on the task, with the name of the traced function."""
    assert ran["traces_allowed"] == f"ActionOutputs(o0={len(SECRETS['token'])})"


def test_errors_are_masked(ran) -> None:
    """What a task raises is masked before upstream keeps it: error.pb, the database, and the caller's exception."""
    assert ran["raises"] == ["RuntimeUserError", "RuntimeError", "tried with [masked]"]


@pytest.mark.parametrize("how", ["printed", "logged", "child", "written"])
def test_what_is_printed_is_masked(ran, how) -> None:
    """The task's own output, that of its children, and a logger that propagates."""
    assert f"{how}: [masked]" in ran["output"]


@pytest.mark.parametrize("logger", ["flyte's logger", "upstream's logger"])
def test_loggers_without_our_handlers_are_masked(ran, logger) -> None:
    """`flyte.init` replaces these loggers' handlers; theirs take `[masked]` for Rich's markup and show nothing."""
    assert f"{logger}:" in ran["output"]
    assert f"{logger}: example" not in ran["output"]


def test_run_that_failed_fails(ran) -> None:
    """The program ends with the error, masked."""
    assert ran["code"] == 1
    assert ran["output"].rstrip().endswith("RuntimeUserError: tried with [masked]")


def test_nothing_is_kept(ran) -> None:
    """Output, `report.html`, the cache and the database of runs, with inputs and errors in it, hold no value."""
    assert ran["leaks"] == []


def test_reports_are_there(ran, module_project) -> None:
    """The report that was searched is really there, masked."""
    reports = [
        path for path in Path("/tmp/flyte").rglob("report.html") if path.stat().st_mtime >= module_project.started
    ]
    assert any("<p>[masked]</p>" in path.read_text() for path in reports)


def test_database_is_there(ran, module_project) -> None:
    """The database that was searched has runs, an input and an error in it."""
    import sqlite3

    (path,) = module_project.directory.rglob("*.db")
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT inputs, error FROM runs").fetchall()
    database.close()
    assert '{"text": "[masked]"}' in [inputs for inputs, _ in rows]
    assert "tried with [masked]" in [error for _, error in rows]


def test_allow_leak(ran) -> None:
    """An output that may be kept is handed on as it is."""
    assert ran["same"] is True


EARLY = """
import flyte, tacenda
KEY = tacenda.get("token")
env = flyte.TaskEnvironment("env")
@env.task
async def prints() -> None: print("early:", KEY)
if __name__ == "__main__":
    flyte.init()
    flyte.run(prints)
"""


def test_read_before_the_run(project):
    """What the module has read while it was imported is masked in its tasks."""
    project.keep(SECRETS)
    done = project.run(EARLY)
    assert "early: [masked]" in done.stdout, done.stdout
    assert "example-" not in done.stdout
