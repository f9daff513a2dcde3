"""However a process ends: no value gets out, no line is lost, the order stays."""

from __future__ import annotations

import os
import select
import signal

import pytest

ENDS = {
    "normal": 0,
    "exception": 1,
    "sys_exit": 3,
    "os_exit": 4,
    "sigterm": -signal.SIGTERM,
    "sigkill": -signal.SIGKILL,
    "abort": -signal.SIGABRT,
    "segfault": -signal.SIGSEGV,
    "exec_": 0,
    "fork": 0,
    "multiprocessing_": 0,
    "thread_exception": 0,
    "orphan": 0,
    "long_line": 0,
    "no_newline": 0,
    "closed_stdout": 0,
    "full_pipe": 0,
}
LINES = {"exec_": 11, "fork": 11, "multiprocessing_": 12, "orphan": 11, "long_line": 11, "closed_stdout": 11}
LINES["full_pipe"] = 8010
BY_ITSELF = ("normal", "exception", "sys_exit", "thread_exception", "long_line", "no_newline", "full_pipe")
ON_TERMINAL = ("normal", "exception", "sigkill", "segfault", "exec_", "fork", "orphan", "long_line", "no_newline")


def numbers(output: bytes) -> list[int]:
    return [int(line[:4]) for line in output.splitlines() if line[:4].isdigit()]


def no_value(programs, output: bytes) -> bool:
    return programs.secret not in output and programs.encoded not in output


@pytest.mark.parametrize("end", ENDS)
def test_two_pipes(programs, end):
    """Stdout and stderr each into a pipe, read to the end (checklist 9)."""
    done = programs.run("crash.py", end)
    assert no_value(programs, done.stdout + done.stderr)
    assert done.stdout.splitlines()[-1] == b"the end"
    out, err = numbers(done.stdout), numbers(done.stderr)
    assert out == sorted(out)
    assert err == sorted(err)
    assert sorted(out + err) == list(range(LINES.get(end, 10)))
    assert done.stdout.count(b"[masked]") + done.stderr.count(b"[masked]") >= 2 * LINES.get(end, 10)
    assert done.returncode == ENDS[end]


@pytest.mark.parametrize("end", ENDS)
def test_one_file(programs, end, tmp_path):
    """Both into one file, as a batch system does: the order between them stays, too.

    A process that ends by itself waits for the helper: all of it is there when it has ended.
    """
    path = tmp_path / "log"
    with path.open("wb") as file:
        process = programs.start("crash.py", end, stdout=file, stderr=file)
        assert process.wait(60) == ENDS[end]
    if end not in BY_ITSELF:
        assert programs.left() == []
    output = path.read_bytes()
    assert no_value(programs, output)
    assert b"the end" in output
    assert numbers(output) == list(range(LINES.get(end, 10)))


@pytest.mark.parametrize("end", ON_TERMINAL)
def test_terminal(programs, read_until, end):
    """On a terminal: as a person sees it."""
    process, near = programs.start_on_terminal("crash.py", end)
    output = read_until(near, b"nothing stops this but the end", timeout=20)
    os.close(near)
    assert process.wait(10) == ENDS[end]
    assert no_value(programs, output)
    assert b"the end" in output
    assert numbers(output) == list(range(LINES.get(end, 10)))


def test_one_end_for_all(programs):
    """Of a killed process, no stream ends before the others' output has arrived.

    Readers such as Metaflow take the end of one for the end of the process, and read no more than is there.
    """
    process = programs.start("crash.py", "killed_with_much_left")
    assert process.wait(60) == -signal.SIGKILL
    ends = select.poll()
    ends.register(process.stderr, 0)
    assert ends.poll(300) == []
    out, _ = process.communicate(timeout=60)
    assert out.count(b"x\n") == 2000
    assert out.endswith(b"the end\n")
