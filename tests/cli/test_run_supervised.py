"""`tacenda run` waits for what it masks, and is otherwise as if the command itself had been started.

What `env` or `exec` give for nothing: the terminal, signals, stopping and continuing, how the command ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import COMMAND, RUN, VALUE, Cli, python

PASSED_ON = "HUP INT QUIT ABRT USR1 USR2 ALRM TERM CONT TSTP TTIN TTOU WINCH XCPU RTMIN"
RECORDER = python(
    "import os, signal, sys\n"
    "def tell(number, frame): os.write(1, b'<%s>' % signal.Signals(number).name.encode())\n"
    f"for name in '{PASSED_ON}'.split(): signal.signal(signal.Signals['SIG' + name], tell)\n"
    "os.write(1, b'ready %d.' % os.getpid())\n"
    "for line in sys.stdin:\n"
    "    if line == 'end\\n': sys.exit(5)\n"
    "    os.write(1, b'got ' + line.encode())\n"
)
"""A command that says which signals come, until its input ends."""

BOTH = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
NEW_PROCESSES = ["unshare", "--fork", "--pid", "--mount-proc"]
as_process_1 = pytest.mark.skipif(
    subprocess.run([*NEW_PROCESSES, "true"], capture_output=True, check=False).returncode != 0,
    reason="needs the right to make a PID namespace (`unshare --pid`), as root has",
)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def read(process: subprocess.Popen[bytes], last: bytes) -> bytes:
    """Read what a process prints, up to and with some bytes."""
    seen = b""
    while not seen.endswith(last):
        seen += (byte := os.read(process.stdout.fileno(), 1))
        assert byte, seen
    return seen


def state(process: int) -> str:
    """Return what Linux says of a process: R, S, T (stopped), Z (a zombie)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]


# -- the last words -------------------------------------------------------------------------------------


def test_complete(keys: Cli):
    """A file is complete when `tacenda run` has ended: ten times out of ten (checklist 9)."""
    line = "for i in {1..10}; do tacenda run --secret token -- seq 1 20000 > file; wc -l < file; done"
    assert keys.shell(line).stdout.split() == ["20000"] * 10


@as_process_1
def test_complete_as_process_1(keys: Cli):
    """In a container, where everything ends with process 1, nothing is lost."""
    line = "for i in 1 2 3; do {} tacenda run --secret token -- seq 1 20000 > file; wc -l < file; done"
    assert keys.shell(line.format(" ".join(NEW_PROCESSES))).stdout.split() == ["20000"] * 3


def test_slow_reader(keys: Cli):
    """A reader who does not read is waited for; whoever ends `tacenda run` meanwhile loses nothing."""
    program = python("import os; os.write(1, b'y' * 200_000); os.write(2, b'x')")
    with keys.start(*RUN, *program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr.read(1) == b"x"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM
        assert len(process.stdout.read()) == 200_000


def test_orphan(keys: Cli):
    """A background process that keeps the output open does not keep `tacenda run`, and is masked still."""
    script = "(read line; echo $TOKEN) <&3 & echo first"
    door, key = os.pipe()
    arguments = ("bash", "-c", f"exec 3<&{door}; {script}")
    with keys.start(*RUN, *arguments, stdout=subprocess.PIPE, pass_fds=[door]) as process:
        os.close(door)
        assert process.wait(20) == 0
        assert read(process, b"\n") == b"first\n"
        os.write(key, b"now\n")
        os.close(key)
        assert process.stdout.read() == b"[masked]\n"


def test_closed_by_the_command(keys: Cli):
    """Who reads the output learns when the command closes it, not only when it ends."""
    with keys.start(*RUN, "sh", "-c", "echo a; exec >&- 2>&-; read line; exit 3", **BOTH) as process:
        assert process.stdout.read() == b"a\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 3


# -- what the command finds -----------------------------------------------------------------------------


def test_same_group(keys: Cli):
    """The command is a child, in the same process group and session."""
    code = "import os; print(os.getppid(), os.getpgrp(), os.getsid(0))"
    with keys.start(*RUN, *python(code), stdout=subprocess.PIPE) as process:
        expected = (process.pid, os.getpgrp(), os.getsid(0))
        assert process.stdout.read() == b"%d %d %d\n" % expected


def test_no_descriptors_of_ours(keys: Cli):
    """The command has the descriptors that the caller gave, and none of the masking's."""
    list_them = ("ls", "/proc/self/fd")
    assert keys(*RUN, *list_them).ok().out == keys("run", "--no-mask", *RUN[1:], *list_them).ok().out
    assert keys.shell("tacenda run --secret token -- cat /dev/fd/7 7<<< seven").stdout == "seven\n"


def test_ignored_signals(keys: Cli):
    """What the caller ignores the command ignores too, as under `nohup`, and it starts with nothing held back."""
    done = keys.shell("trap '' HUP USR1; tacenda run --secret token -- grep -E 'Sig(Ign|Blk)' /proc/self/status")
    blocked, ignored = (int(line.split()[1], 16) for line in done.stdout.splitlines())
    assert blocked == 0
    expected = 1 << signal.SIGHUP - 1 | 1 << signal.SIGUSR1 - 1
    assert ignored & ((1 << 31) - 1) == expected  # glibc's posix_spawn ignores its own two, 32 and 33


def test_no_value_in_the_supervisor(keys: Cli):
    """No value is in the arguments or the environment of the process that waits (checklist 20 and 21)."""
    with keys.start(*RUN, *RECORDER, **BOTH) as process:
        read(process, b".")
        for name in ("cmdline", "environ"):
            assert VALUE.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()


# -- signals --------------------------------------------------------------------------------------------


def test_signals(keys: Cli):
    """Every signal that is sent to `tacenda run` alone reaches the command, once."""
    with keys.start(*RUN, *RECORDER, **BOTH) as process:
        read(process, b".")
        for name in PASSED_ON.split():
            process.send_signal(signal.Signals[f"SIG{name}"])
            assert read(process, b">") == b"<SIG%s>" % name.encode()
        assert process.communicate(b"end\n", timeout=20)[0] == b""
        assert process.returncode == 5


def test_ended_by_a_signal(keys: Cli):
    """A signal that ends the command ends `tacenda run` by the same signal: `docker stop`, systemd, `kill`."""
    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGRTMIN]
    started = {number: keys.start(*RUN, "sh", "-c", "echo $$; exec sleep 60", **BOTH) for number in numbers}
    for number, process in started.items():
        with process:
            read(process, b"\n")
            process.send_signal(number)
            assert process.wait(20) == -number


@as_process_1
def test_as_process_1(keys: Cli):
    """As a container's process 1 it passes signals on, reaps whoever is left, and says 128 and the signal's number."""
    script = "(sleep 0.01 & echo $! > left); until ! test -d /proc/$(cat left); do sleep 0.01; done; kill -TERM $$"
    done = keys(*RUN, "sh", "-c", script, command=[*NEW_PROCESSES, *COMMAND])
    assert done.code == 128 + signal.SIGTERM
    script = "trap 'echo bye; exit 4' TERM; sh -c 'kill -TERM 1'; while :; do sleep 0.01; done"
    done = keys(*RUN, "sh", "-c", script, command=[*NEW_PROCESSES, *COMMAND])
    assert (done.code, done.out) == (4, "bye\n")


def test_own_group(keys: Cli):
    """A script that signals its whole group, as many do when they end, is not signaled once more by us."""
    code = RECORDER[-1].replace("for line", "os.kill(0, signal.SIGTERM)\nfor line")
    with keys.start(*RUN, *python(code), start_new_session=True, **BOTH) as process:
        read(process, b"<SIGTERM>")
        process.send_signal(signal.SIGWINCH)  # comes after whatever we would pass on
        assert read(process, b"<SIGWINCH>") == b"<SIGWINCH>"
        assert process.communicate(b"end\n", timeout=20)[0] == b""


def test_nested(keys: Cli):
    """`tacenda run` inside of `tacenda run` is masked, and passes on signals and how the command ended."""
    with keys.start(*RUN, *COMMAND, *RUN, "sh", "-c", "echo $TOKEN; exec sleep 60", **BOTH) as process:
        assert read(process, b"\n") == b"[masked]\n"
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM


def test_no_core(keys: Cli):
    """A command that is killed with a core has left its own; we leave none, which would hold values."""
    line = "ulimit -c unlimited; tacenda run --secret token -- sh -c 'ulimit -c 0; kill -QUIT $$'; echo $?"
    done = keys.shell(line)
    assert done.stdout == "131\n"
    assert "Quit" in done.stderr
    assert "core dumped" not in done.stderr


def test_stopped(keys: Cli):
    """When the command is stopped, its caller sees it stopped, and continues it by continuing what it has started."""
    with keys.start(*RUN, *RECORDER, **BOTH) as process:
        command = int(read(process, b".").split()[-1][:-1])
        os.kill(command, signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert os.WSTOPSIG(status) == signal.SIGSTOP
        process.send_signal(signal.SIGCONT)
        assert read(process, b">") == b"<SIGCONT>"
        assert process.communicate(b"end\n", timeout=20)[0] == b""
        assert process.returncode == 5


def test_signal_at_the_end(keys: Cli):
    """A signal that comes when the command has just ended does not take its last words or its exit code."""
    with keys.start(*RUN, *RECORDER, **BOTH) as process:
        command = int(read(process, b".").split()[-1][:-1])
        process.send_signal(signal.SIGSTOP)
        until(lambda: state(process.pid) == "T")
        process.stdin.write(b"end\n")
        process.stdin.flush()
        until(lambda: state(command) == "Z")
        process.send_signal(signal.SIGVTALRM)  # which comes after SIGCHLD, by its number
        process.send_signal(signal.SIGCONT)
        assert process.wait(20) == 5


# -- terminals ------------------------------------------------------------------------------------------

NOT_ON_LINUX = python(
    "import sys, types\n"
    "from tacenda.cli import _supervise, main\n"
    "_supervise.sys = types.SimpleNamespace(platform='darwin')\n"
    "sys.exit(main())"
)
"""The command where nobody can be asked who has sent a signal."""


INTERACTIVE = [shutil.which("bash") or "bash", "--norc", "--noprofile", "-i"]


@pytest.mark.parametrize("command", [COMMAND, NOT_ON_LINUX], ids=["linux", "elsewhere"])
def test_typed(keys: Cli, command: list[str]):
    """What is typed on the terminal, Ctrl-C and Ctrl-Backslash, reaches the command once, and ends nobody else."""
    with keys.terminal(*RUN, *RECORDER, command=command) as terminal:
        terminal.expect("ready")
        for key, name in (("\x03", "<SIGINT>"), ("\x1c", "<SIGQUIT>"), ("\x03", "<SIGINT>")):
            terminal.type(key)
            terminal.expect(name)
            os.kill(terminal.process.pid, signal.SIGUSR1)  # comes after whatever we would pass on
            terminal.expect("<SIGUSR1>")
        terminal.type("end\n")
        assert terminal.finish() == 5
    assert (terminal.seen.count("<SIGINT>"), terminal.seen.count("<SIGQUIT>")) == (2, 1)


def test_sent_in_the_foreground(keys: Cli):
    """A Ctrl-C is told from a SIGINT that somebody sends to `tacenda run` alone while it has the terminal."""
    with keys.terminal(*RUN, *RECORDER) as terminal:
        terminal.expect("ready")
        os.kill(terminal.process.pid, signal.SIGINT)
        terminal.expect("<SIGINT>")
        terminal.type("end\n")
        assert terminal.finish() == 5


def test_job_control(keys: Cli):
    """In a real shell Ctrl-Z stops both, `bg` and `fg` continue both, and the exit code is the command's."""
    told = "import os; print(f'ready {os.getppid()} {os.getpid()}.'); print('got', input()); os._exit(4)"
    keys.write("told.py", told)
    with keys.terminal(command=INTERACTIVE) as terminal:
        terminal.type(f"'{sys.executable}' -m tacenda run --secret token -- '{sys.executable}' -u told.py\n")
        terminal.expect("ready ")
        terminal.expect(".")
        both = [int(pid) for pid in terminal.seen.rpartition("ready ")[2].partition(".")[0].split()]
        for _ in range(2):
            terminal.type("\x1a")
            terminal.expect("Stopped")
            assert [state(pid) for pid in both] == ["T", "T"]
            terminal.type("echo code $?; fg\n")
            terminal.expect("code 148")
            until(lambda: "T" not in [state(pid) for pid in both])
        terminal.type("answer\n")
        terminal.expect("got answer")
        terminal.type("echo code $?\n")
        terminal.expect("code 4")
        terminal.type("exit\n")
        assert terminal.finish() == 0


def test_a_command_that_does_not_stop(keys: Cli):
    """A command that takes Ctrl-Z for something else keeps the terminal: we stop only when it has."""
    with keys.terminal(command=INTERACTIVE) as terminal:
        keys.write("recorder.py", RECORDER[-1])
        terminal.type(f"'{sys.executable}' -m tacenda run --secret token -- '{sys.executable}' recorder.py\n")
        terminal.expect("ready ")
        terminal.type("\x1a")
        terminal.expect("<SIGTSTP>")
        terminal.type("hello\n")
        terminal.expect("got hello")
        terminal.type("end\n")
        terminal.type("echo code $?; exit\n")
        terminal.expect("code 5")
        terminal.finish()
    assert "Stopped" not in terminal.seen


def test_hang_up(keys: Cli):
    """When a connection is lost, the command is told, though the system tells the first process alone."""
    script = "trap 'echo told > told; exit 6' HUP; echo ready; while :; do sleep 0.01; done"
    with keys.terminal(*RUN, "sh", "-c", script) as terminal:
        terminal.expect("ready")
        terminal.hang_up()
        assert terminal.process.wait(20) == 6
    assert (keys.directory / "told").exists()


# -- the helper -----------------------------------------------------------------------------------------


def kill_helper(cli: Cli) -> None:
    """Kill the helper of the command that runs in this directory: it keeps LD_LIBRARY_PATH of all variables."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = str(cli.directory).encode() in (process / "environ").read_bytes()
            if ours and b"_helper.main(" in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
                return
        except OSError:  # it has just ended, or is somebody else's
            continue
    pytest.fail("there is no helper")


@pytest.mark.parametrize(
    ("then", "codes"),
    [("exit 0", {120}), ("exit 3", {120}), ("echo $TOKEN; exit 0", {120}), ("exec yes $TOKEN", {-signal.SIGPIPE})],
    ids=["quiet", "failed", "one line", "much"],
)
def test_helper_is_killed(keys: Cli, then: str, codes: set[int]):
    """If the helper dies, no value gets out, one message says why, and the exit code is not 0."""
    keys.environment["LD_LIBRARY_PATH"] = str(keys.directory)
    script = f"trap '' PIPE; echo ready; read line; trap - PIPE; {then}"
    script = script if then.startswith("exec") else script.replace("trap - PIPE; ", "")
    with keys.start(*RUN, "sh", "-c", script, stderr=subprocess.PIPE, **BOTH) as process:
        assert read(process, b"\n") == b"ready\n"
        kill_helper(keys)
        out, err = process.communicate(b"\n", timeout=20)
    assert process.returncode in codes
    assert VALUE.encode() not in out + err
    assert err.count(b"tacenda: the masking helper") == 1
    assert err.count(b"is gone") == 1
