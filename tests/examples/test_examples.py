"""The examples are run by the commands that their pages give, on both stacks, and nothing gets out."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from programs import places_of, run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "examples" / "README.md"
ORCHESTRATORS = ("metaflow", "flytekit", "flyte", "zenml", "flowyml")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def told(orchestrator: str) -> str:
    """Return the command that an example's own page gives first."""
    page = (ROOT / "examples" / orchestrator / "README.md").read_text()
    return re.findall(r"(?m)^(?:\$ )?(make demo.*)$", page)[0]


def made(command: str) -> list[str]:
    """Return the program and the arguments that a `make` command ends with."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [*shlex.split(command), "--dry-run", "--always-make", "--no-print-directory"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return shlex.split(done.stdout.splitlines()[-1])


def assert_careless(output: str) -> None:
    """See that an example did what an example does: a header, a child process, a log record, a traceback."""
    for line in (
        "Authorization: Basic ",
        "from a child process: ",
        "from a log: ",
        "Traceback (most recent",
        "Error: ",
    ):
        assert line in output, output
    masked = [line for line in output.splitlines() if "[masked]" in line]
    assert len(masked) >= 6, output


@pytest.mark.parametrize(
    "orchestrator",
    # FlowyML's environment is set up beside this one; its own tests are not what is run here.
    [pytest.param(name, marks=[] if name == "flowyml" else getattr(pytest.mark, name)) for name in ORCHESTRATORS],
)
def test_the_command_of_its_page(demo, examples, orchestrator):
    """The example runs on both stacks, reads both secrets and lets nothing out, by the command its README gives.

    Whatever it prints, logs or hands to child processes, no value is in the output, nor in a file that it wrote.
    """
    program, script, *names = made(told(orchestrator))
    assert program.endswith("/bin/python")
    assert (script, names) == ("examples/demo.py", [orchestrator])
    done = demo(*names)
    assert done.returncode == 0, done.stdout
    [row] = re.findall(rf"(?m)^  {orchestrator} \d.*$", done.stdout)
    assert row.count("api-keys, db-credentials") == 2
    assert row.endswith("files: nothing leaked")
    for stack in ("dev", "prod"):
        assert f"database: db.{stack}.example, password: [masked]\n" in done.stdout
    assert done.stdout.count("API key: [masked]\n") == 2
    home = examples / ".demo" / orchestrator
    for stack in ("dev", "prod"):
        assert_careless((home / f"output-{stack}.txt").read_text())
    # so does every value of the demo begin
    assert places_of("example-", home, output=done.stdout) == []


@pytest.mark.metaflow
def test_by_hand(demo, examples):
    """What the demo leaves can be run by hand, as the page of the examples says."""
    assert demo("metaflow").returncode == 0
    block = re.findall(r"(?s)```\n(cd .*?)```", PAGE.read_text())[0]
    assert "$PWD/../../../.venv/bin:" in block
    here = block.replace("$PWD/../../../.venv/bin", str(Path(sys.executable).parent))
    done = run("/bin/sh", "-ec", here, home=examples.parent, USER="reader")
    assert "database: db.dev.example, password: [masked]\n" in done.stdout, done.stdout


def test_page_of_the_examples():
    """The table has every example, its file and the command that the demo runs it by."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    row = r"(?m)^\| \[.*?\]\((\w+)/README\.md\) \| .*?\]\((.*?)\) \| `(.*?)` \| `(.*?)` \|$"
    expected = {
        (name, f"{name}/{example.file}", example.command.format(stack="dev"), f"make demo ONLY={name}")
        for name, example in demo.EXAMPLES.items()
    }
    assert set(re.findall(row, PAGE.read_text())) == expected


def test_unknown_name(demo):
    """An orchestrator that has no example is told so, with those that have one."""
    done = demo("airflow")
    assert done.returncode == 1
    assert done.stdout == "no example for airflow; there are flowyml, flyte, flytekit, metaflow, zenml\n"


# -- the demo notices ---------------------------------------------------------------------------------------


def planted(examples: Path, line: str) -> None:
    """Add a line to a step of the Metaflow example that has secrets."""
    flow = examples / "metaflow" / "flow.py"
    sound = (ROOT / "examples" / "metaflow" / "flow.py").read_text()
    step = "        api_key, password = os.environ"
    assert sound.count(step) == 1
    flow.write_text(sound.replace(step, f"        {line}\n{step}"))


@pytest.mark.metaflow
@pytest.mark.parametrize("form", ["{}", "base64.b64encode(b'admin:' + {})"])
def test_leak_is_noticed(demo, examples, form):
    """A value in a file that a run wrote, encoded or not, fails the demo, which names the file."""
    value = form.format("os.environb[b'PASSWORD']")
    planted(examples, f"open('planted', 'wb').write({value})")
    done = demo("metaflow")
    assert done.returncode == 1, done.stdout
    assert done.stdout.endswith("a secret value is in:\n  examples/.demo/metaflow/planted\n")


@pytest.mark.metaflow
def test_failure_is_shown(demo, examples):
    """A run that fails fails the demo, which shows what it printed."""
    planted(examples, "raise SystemExit('planted')")
    done = demo("metaflow")
    assert done.returncode == 1
    assert "FAILED with exit code 1; it printed:\n" in done.stdout
    assert "planted" in done.stdout
    assert done.stdout.endswith("failed: metaflow on dev, metaflow on prod\n")
