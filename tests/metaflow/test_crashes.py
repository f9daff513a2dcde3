"""However a task ends: no value in console, stored logs or datastore, and no line of its output is lost."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

VALUE = "example-token-4711"
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({"api-keys": {"TOKEN": VALUE}}),
}
FLOW = """
import atexit, base64, ctypes, logging, os, signal, subprocess, sys, threading, time
from metaflow import FlowSpec, catch, current, parallel_map, secrets, step, timeout

def line(number):
    token = os.environ["TOKEN"]
    return f"{number:04} {token} {base64.b64encode(token.encode()).decode()}\\n"

def write_in_every_way():
    print(line(0), end="")
    sys.stdout.flush()
    os.write(1, line(1).encode())
    sys.stderr.write(line(2))
    sys.stderr.flush()
    logging.getLogger("own").warning(line(3).strip())
    subprocess.run(["sh", "-c", 'echo "$LINE"'], env={**os.environ, "LINE": line(4).strip()}, check=True)
    libc = ctypes.CDLL(None)
    libc.puts(line(5).strip().encode())
    libc.fflush(None)

def os_exit():
    os.write(1, line(6).encode())
    os._exit(4)

def sigkill():
    os.write(1, line(6).encode())
    os.kill(os.getpid(), signal.SIGKILL)

def segfault():
    os.write(1, line(6).encode())
    ctypes.string_at(0)

def abort():
    os.write(1, line(6).encode())
    os.abort()

def sys_exit():
    print(line(6), end="")
    sys.exit(f"leaving with {os.environ['TOKEN']}")

def company():
    child = os.fork()
    if not child:
        print(line(6), end="", flush=True)
        os._exit(0)
    os.waitpid(child, 0)

    def work(number):
        print(line(number), end="", flush=True)
        return number
    assert parallel_map(work, [7, 8, 9]) == [7, 8, 9]

    def fail():
        raise RuntimeError(line(10).strip())
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    subprocess.Popen(["sh", "-c", 'sleep 0.1; echo "$LINE"'], env={**os.environ, "LINE": line(11).strip()})
    atexit.register(print, line(12), end="")

def timed():
    print(line(6), end="", flush=True)
    time.sleep(30)

def no_newline():
    print(line(6).strip(), end="")

def long_line():
    print(line(6).strip(), "x" * 3_000_000, os.environ["TOKEN"])

ENDS = [no_newline, os_exit, sigkill, segfault, abort, sys_exit, company, timed, long_line]

class CrashFlow(FlowSpec):
    @step
    def start(self):
        self.ends = [end.__name__ for end in ENDS]
        self.next(self.crash, foreach="ends")

    @catch(var="caught", print_exception=False)
    @timeout(seconds=5)
    @secrets(sources=["api-keys"])
    @step
    def crash(self):
        os.write(1, f"this is {self.input}\\n".encode())
        write_in_every_way()
        globals()[self.input]()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    CrashFlow()
"""
ENDS = ("no_newline", "os_exit", "sigkill", "segfault", "abort", "sys_exit", "company", "timed", "long_line")
"""Of these, `company` has forked, has had workers and a thread that failed, and leaves a child and an exit hook."""


class Crashed:
    """A run whose tasks end in every way."""

    def __init__(self, output: str, directory: Path) -> None:
        self.output = output
        self.directory = directory
        self.logs: dict[str, str] = {}
        for path in directory.glob(".metaflow/CrashFlow/*/crash/*/0.runtime_stdout.log"):
            text = path.read_text() + path.with_name("0.runtime_stderr.log").read_text()
            if end := re.search(r"this is (\w+)", text):
                self.logs[end[1]] = text


@pytest.fixture(scope="module")
def crashed(run_flow: Any, tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    directory = tmp_path_factory.mktemp("crashed")
    done = run_flow(FLOW, FILES, directory=directory, arguments=("run", "--max-workers", "3"))
    assert done.returncode == 0, done.stdout[-5000:]
    return Crashed(done.stdout, directory)


@pytest.mark.parametrize("end", ENDS)
def test_stored_log(crashed: Crashed, end: str) -> None:
    """All that a task has written is in its stored log, whichever way and however it ended, and every value masked."""
    log = crashed.logs[end]
    numbers = re.findall(r"(\d{4}) \[masked\] \[masked\]", log)
    wanted = [f"{number:04}" for number in range(13 if end == "company" else 7)]
    assert sorted(set(numbers)) == wanted


def test_last_words(crashed: Crashed) -> None:
    """What `sys.exit` says at the end is masked too."""
    assert "leaving with [masked]" in crashed.logs["sys_exit"]


def test_nowhere(crashed: Crashed, leaks_below: Any) -> None:
    """Console and the whole datastore hold the value in no form."""
    assert VALUE not in crashed.output
    assert base64.b64encode(VALUE.encode()).decode() not in crashed.output
    assert leaks_below(crashed.directory / ".metaflow", [VALUE]) == {}
