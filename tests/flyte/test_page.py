"""The documented page's own code, run as it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.flyte

# The page's code, with a last line that tells what each task saw.
PAGE = """
import os
from flyte import task, Secret

# Simple usage: secret "my-api-key" becomes "MY_API_KEY"
@task(secrets="my-api-key")
def my_task():
    api_key = os.environ.get("MY_API_KEY")
    print("my_task", len(api_key), api_key)

# Explicitly naming the environment variable
@task(secrets=Secret(key="openai-key", as_env_var="OPENAI_API_KEY"))
def my_task_with_custom_env():
    api_key = os.environ.get("OPENAI_API_KEY")
    print("my_task_with_custom_env", len(api_key), api_key)

import pathlib
from flyte import task, Secret

SECRET_PATH = "/etc/flyte/secrets"

@task(secrets=Secret(key="db-config", mount=pathlib.Path(SECRET_PATH)))
def my_file_task():
    # The secret will be available at /etc/flyte/secrets/db-config
    config_path = pathlib.Path(SECRET_PATH) / "db-config"
    config_data = config_path.read_text()
    print("my_file_task", len(config_data), config_data == PRETTY, config_data)

PRETTY = '''{
  "HOST": "db.example",
  "PASSWORD": "example-%s"
}
''' % "page-password"
"""

SECRETS = {
    "my-api-key": "example-page-api-key",
    "openai-key": "example-page-openai",
    "db-config": '{\n  "HOST": "db.example",\n  "PASSWORD": "example-page-password"\n}\n',
}

RUN_ALL = """
import os, sys, tempfile
import flyte
flyte.init()
import page
from flyte._run import _Runner
from tacenda import _secret_directory

def run_all():
    with tempfile.TemporaryDirectory() as writable:  # upstream's own default belongs to the first user who ran it
        for task in (page.my_task, page.my_task_with_custom_env, page.my_file_task):
            _Runner("local", metadata_path=writable, raw_data_path=writable).run(task)
    names = {"MY_API_KEY", "OPENAI_API_KEY", "FLYTE_SECRETS_DEFAULT_DIR", "TACENDA_INJECTED"}
    print("variables left", sorted(names & set(os.environ)))
    print("files left", os.listdir(_secret_directory.secret_directory()))  # of this process
    functions = (open, os.open, os.stat, os.lstat)
    print("functions left", [function for function in functions if "Redirected" in str(type(function))])

run_all()
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
print("unprivileged", os.geteuid() != 0, os.access("/etc", os.W_OK))
run_all()
"""


@pytest.fixture(scope="module")
def unprivileged(module_project) -> subprocess.CompletedProcess[str]:
    """Run the page's tasks with the rights there are, then, in the same process, as a user without any."""
    module_project.keep(SECRETS)
    (module_project.directory / "page.py").write_text(PAGE)
    existed = Path("/etc/flyte").exists()
    done = module_project.run(RUN_ALL)
    assert Path("/etc/flyte").exists() == existed
    return done


@pytest.mark.parametrize("task", ["my_task", "my_task_with_custom_env", "my_file_task"])
def test_page_runs_verbatim(project, task) -> None:
    """S2.2, S2.4, S2.5, S2.6: `flyte run --local` runs the page's code as it is, and prints no value."""
    project.keep(SECRETS)
    done = project.run(PAGE, command=("run", "--local", "tasks.py", task))
    assert done.returncode == 0, done.stdout
    assert task in done.stdout
    assert "[masked]" in done.stdout
    project.values["db-config"] = "example-page-password"
    (project.directory / "tasks.py").unlink()  # it says what to expect
    assert project.leaks(done.stdout) == []


def test_simple_usage(unprivileged) -> None:
    """S2.7, S2.8, S2.9: one text, no list; the key in upper case with underscores, in a sync task."""
    assert unprivileged.stdout.count(f"my_task {len(SECRETS['my-api-key'])} [masked]") == 2, unprivileged.stdout


def test_custom_variable(unprivileged) -> None:
    """S2.10, S2.11: one `Secret`, no list, sets exactly the variable that it names."""
    assert unprivileged.stdout.count(f"my_task_with_custom_env {len(SECRETS['openai-key'])} [masked]") == 2


def test_mounted_file_is_exact(unprivileged) -> None:
    """S2.13, S2.15, S2.17: `read_text()` of the documented path is the stored JSON, byte for byte."""
    assert unprivileged.stdout.count(f"my_file_task {len(SECRETS['db-config'])} True") == 2, unprivileged.stdout


def test_hard_coded_path_reads_without_privileges(unprivileged) -> None:
    """S2.16: the second half of the run had no right to write to /etc."""
    before, _, after = unprivileged.stdout.partition("unprivileged True False")
    assert "my_file_task" in before
    assert "my_file_task" in after, unprivileged.stdout


def test_nothing_is_left_behind(unprivileged) -> None:
    """S2.12: after a run neither variables nor files are there, with and without privileges."""
    assert unprivileged.stdout.count("left []") == 6, unprivileged.stdout
    assert not Path("/etc/flyte/secrets/db-config").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user has no documented path for programs that it starts")
def test_programs_read_the_documented_path_as_root(project) -> None:
    """S2.15: `cat /etc/flyte/secrets/db-config` in a task prints it, where this user may write there."""
    project.keep({"db-config": "example-cat-me"})
    script = """
import subprocess
import flyte
env = flyte.TaskEnvironment("x", secrets=flyte.Secret("db-config", mount="/etc/flyte/secrets"))
@env.task
def main() -> bool:
    return subprocess.check_output(["cat", "/etc/flyte/secrets/db-config"]) == b"example-" + b"cat-me"
flyte.init()
print(flyte.run(main).outputs())
"""
    done = project.run(script)
    assert "ActionOutputs(o0=True)" in done.stdout, done.stdout
    assert not Path("/etc/flyte").exists()
