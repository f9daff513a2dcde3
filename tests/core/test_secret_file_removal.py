"""A secret's file is gone when the processes that use it are, however they end, and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START = """
import os, signal, sys, time, warnings
from tacenda import Secret
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
path = Secret("example-value").as_file("key.txt")
print(path, flush=True)
"""
WAIT = "sys.stdin.readline()\n"
ENDS = {
    "normal": "",
    "exception": "raise SystemError('example')",
    "sys.exit": "sys.exit(3)",
    "os._exit": "os._exit(3)",
    "abort": "os.abort()",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT)",
    "group": "os.killpg(os.getpgrp(), signal.SIGKILL)",
    "group, politely": "[os.killpg(os.getpgrp(), n) for n in (signal.SIGHUP, signal.SIGTERM)]",
    "exec": "os.execv('/bin/true', ['true'])",
}


@pytest.fixture
def start():
    """Return a function that starts a program with a secret's file, and returns it with the file's path.

    The file is in memory, or in a `place` that no other program uses.
    """
    started = []

    def run(code: str = WAIT, place: Path | None = None) -> tuple[subprocess.Popen[str], Path]:
        elsewhere = "from tacenda import _secret_directory; _secret_directory._MEMORY = '/nowhere'\n"
        process = subprocess.Popen(
            [sys.executable, "-c", (elsewhere if place else "") + START + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(place or "/tmp")},
        )
        started.append(process)
        return process, Path(process.stdout.readline().rstrip("\n"))

    yield run
    for process in started:
        process.kill()
        process.communicate()


def is_gone(path: Path, seconds: float = 20.0) -> bool:
    """Wait for a file and its directories to go."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not path.parent.parent.exists():
            return True
        time.sleep(0.01)
    return False


def reapers(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that wait for the end of this one."""
    ends = {os.readlink(file) for file in Path(f"/proc/{process.pid}/fd").iterdir()}
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if b"_reaper" in (directory / "cmdline").read_bytes() and os.readlink(directory / "fd/0") in ends:
                found.append(int(directory.name))
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_process_ends(start, end):
    """However a process ends, nothing of the secret stays in memory or on a disk."""
    process, path = start(WAIT + end)
    assert path.read_text() == "example-value"
    process.communicate("\n")
    assert is_gone(path)


def test_normal_end_leaves_nothing_to_wait_for(start):
    """When a process has ended by itself, its files are gone already."""
    process, path = start("")
    process.communicate()
    assert not path.parent.parent.exists()


def test_reaper_is_hidden(start):
    """Nothing about the secret is in the reaper's command line or environment; it is a session and no child."""
    process, path = start()
    (reaper,) = reapers(process)
    about = Path(f"/proc/{reaper}")
    told = (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
    assert not [word for word in (b"example", path.parent.name.encode(), b"/dev/shm") if word in told]
    parent, group, session = map(int, (about / "stat").read_text().rpartition(") ")[2].split()[1:4])
    assert parent != process.pid
    assert group == session != process.pid
    process.communicate("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_reaper_outlives_what_ends_a_job(start, number):
    """A signal to everything that is there does not keep it from its work."""
    process, path = start()
    (reaper,) = reapers(process)
    os.kill(reaper, number)
    time.sleep(0.05)
    assert path.exists()
    process.kill()
    assert is_gone(path)


def test_reaper_ends(start):
    """It is there as long as there is something to do."""
    process, path = start("[Secret('example').as_file() for _ in range(5)]; print(flush=True)\n" + WAIT)
    process.stdout.readline()
    (reaper,) = reapers(process)
    process.communicate("\n")
    deadline = time.monotonic() + 20
    while (about := Path(f"/proc/{reaper}")).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not about.exists()
    assert not path.exists()


FORK = """
child = os.fork()
if child == 0:
    sys.stdin.readline()
    print(open(path).read(), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize(
    "end", ["", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["end", "exit", "kill"]
)
def test_forked_process_keeps_the_file(start, end):
    """A forked process that is still running reads the file after its parent has ended; then it goes."""
    process, path = start(FORK + end)
    process.wait()
    time.sleep(0.1)
    assert path.exists()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "example-value\n"
    assert is_gone(path)


def test_forked_process_does_not_remove_its_parents(start):
    """A child that leaves the parent's `with`, or removes the path, or ends, does nothing to the parent's file."""
    code = """
with Secret("example").as_file() as path:
    child = os.fork()
    if child == 0:
        path.remove()
        sys.exit(0)
    os.waitpid(child, 0)
    print(open(path).read(), flush=True)
print(os.path.exists(path), flush=True)
"""
    process, _ = start(code)
    assert process.communicate()[0] == "example\nFalse\n"


def test_forked_process_with_files_of_its_own(start):
    """They go when the child is killed; the parent's stay until it ends."""
    code = """
child = os.fork()
if child == 0:
    print(Secret("example-child").as_file(), flush=True)
    time.sleep(60)
sys.stdin.readline()
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
sys.stdin.readline()
"""
    process, path = start(code)
    childs = Path(process.stdout.readline().rstrip("\n"))
    assert childs.read_text() == "example-child"
    assert childs.parent.parent != path.parent.parent
    process.stdin.write("\n")
    process.stdin.flush()
    assert is_gone(childs)
    assert path.exists()
    process.communicate("\n")
    assert is_gone(path)


def test_fork_while_a_thread_makes_files(start):
    """A child does not wait for a lock that a thread of its parent had."""
    code = """
import threading
stop = []
def busy():
    while not stop:
        Secret("example").as_file().remove()
thread = threading.Thread(target=busy)
thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        with Secret("example").as_file() as mine:
            os._exit(0 if open(mine).read() == "example" else 1)
    print(os.waitpid(child, 0)[1], flush=True)
stop.append(1)
thread.join()
"""
    process, _ = start(code)
    assert process.communicate(timeout=100)[0] == "0\n" * 5


def test_multiprocessing(start):
    """Workers of a pool read the file by its path, which they get as a plain `str`."""
    code = """
import multiprocessing
def read(path):
    return type(path).__name__ + " " + open(path).read()
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(read, [path, path]), flush=True)
print(os.path.exists(path), flush=True)
"""
    process, path = start(code)
    assert process.communicate()[0] == "['str example-value', 'str example-value']\nTrue\n"
    assert is_gone(path)


def test_program_started_by_it(start):
    """A program that it starts reads the file, and does not keep it when its starter has ended."""
    code = """
import subprocess
sleeper = subprocess.Popen(["sleep", "60"])
print(subprocess.run(["cat", path], capture_output=True, text=True).stdout, sleeper.pid, flush=True)
"""
    process, path = start(code)
    read, sleeper = process.stdout.readline().split()
    assert read == "example-value"
    process.wait()
    assert is_gone(path)
    os.kill(int(sleeper), signal.SIGKILL)


def test_reaper_was_killed_as_well(start, tmp_path):
    """Where everything is killed, as with a container, the next process that has a secret file cleans up."""
    process, path = start(place=tmp_path)
    (reaper,) = reapers(process)
    os.kill(reaper, signal.SIGKILL)
    process.kill()
    process.wait()
    time.sleep(0.1)
    assert path.exists()
    other, theirs = start(place=tmp_path)
    assert not path.parent.parent.exists()
    assert theirs.exists()
    other.communicate("\n")


def test_others_files_are_left_alone(start):
    """A process that starts, or ends, removes nothing of a process that is alive."""
    one, path = start()
    other, _ = start("")
    other.communicate()
    assert path.read_text() == "example-value"
    one.communicate("\n")


def test_closed_descriptors(start):
    """A program that closes everything above 2, as daemons do, and writes files then, has new files that are right."""
    code = """
os.closerange(3, 100)
while os.path.exists(path):
    time.sleep(0.01)
reused = [open(os.devnull, "w") for _ in range(20)]
new = Secret("example-new").as_file()
print(open(new).read(), flush=True)
for file in reused:
    file.close()
print(new, flush=True)
sys.stdin.readline()
"""
    process, _ = start(code)
    assert process.stdout.readline() == "example-new\n"
    new = Path(process.stdout.readline().rstrip("\n"))
    assert new.exists()
    process.kill()
    assert is_gone(new)


def test_closed_standard_streams(tmp_path):
    """What a program prints that has closed its standard streams is not taken for a directory to remove."""
    precious = tmp_path / "precious"
    precious.mkdir()
    code = f"""
import os
for number in (0, 1, 2):
    os.close(number)
from tacenda import Secret
path = Secret("example").as_file()
for number in range(3):
    try:
        os.write(number, b"{precious}\\0")
    except OSError:
        pass
open({str(tmp_path / "path")!r}, "w").write(path)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert is_gone(Path((tmp_path / "path").read_text()))
    assert precious.exists()


def test_no_interpreter_to_start(python):
    """Where no process can be started, one warning says what is not kept, and the rest works."""
    code = """
import os, sys, warnings
from tacenda import Secret
sys.executable = "/bin/false"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    path = Secret("example-value").as_file()
    Secret("example-value").as_file()
print(open(path).read(), len(caught), caught[0].message)
if os.fork() == 0:
    os._exit(0)
os.wait()
"""
    said = python(code)
    assert said.startswith("example-value 1 tacenda: no process could be started that removes secret files if this")
    assert "(/bin/false: ended with code 1)" in said
    assert not Path(said.rstrip().rpartition(" ")[2]).exists()


def test_subinterpreter(python):
    """An interpreter inside the process, which in some Pythons may start no process of its own, has files, too."""
    inner = """
import warnings
warnings.simplefilter("ignore")
from tacenda import Secret
with Secret("example").as_file() as path, open(path) as file:
    print(file.read(), flush=True)
"""
    code = f"""
try:
    import _interpreters as interpreters
except ImportError:  # before Python 3.13
    import _xxsubinterpreters as interpreters
interpreters.run_string(interpreters.create(), {inner!r})
"""
    assert python(code) == "example\n"


SLOW = """
import signal
from tacenda import Secret, _secret_directory
_secret_directory._MEMORY = "/nowhere"
python, sys.executable = sys.executable, SLOW
def handle(number, frame):
    sys.executable = python
    HANDLE
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    outer = Secret("example").as_file()
except TimeoutError:
    print(os.listdir(os.environ["TMPDIR"]), flush=True)
path = Secret("example").as_file()
print(path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def interrupted(tmp_path: Path, handle: str) -> list[str]:
    """Return what a program says whose reaper was slow to start, when an alarm came."""
    (slow := tmp_path / "slow").write_text(f'#!/bin/sh\nsleep 1\nexec {sys.executable} "$@"\n')
    slow.chmod(0o700)
    (place := tmp_path / "place").mkdir()
    code = "import os, sys\n" + SLOW.replace("SLOW", repr(str(slow))).replace("HANDLE", handle)
    command, environment = [sys.executable, "-c", code], {**os.environ, "TMPDIR": str(place)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.splitlines()


def test_timeout_while_the_reaper_starts(tmp_path):
    """A @timeout at that moment leaves nothing behind, and the next file is watched as any other is."""
    left, path = interrupted(tmp_path, "raise TimeoutError")
    assert left == "[]"
    assert is_gone(Path(path))


def test_file_in_a_signals_handler(tmp_path):
    """A handler that makes a file while another is made does not wait for itself; both go."""
    said = interrupted(tmp_path, "print(Secret('example').as_file(), flush=True)")
    assert len(said) == 2
    assert all(is_gone(Path(path)) for path in said)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("become", ["setresuid(65534, 65534, 65534)", "seteuid(65534)"])
def test_other_user(start, become):
    """A process that gives up its rights writes files as the user it has become; all go, also the earlier ones."""
    code = f"""
warnings.simplefilter("ignore")  # its interpreter may be where that user must not go
os.{become}
print(new := Secret("example-new").as_file(), open(new).read(), os.stat(new).st_uid, flush=True)
sys.stdin.readline()
"""
    process, path = start(code)
    new, content, owner = process.stdout.readline().split()
    assert (content, owner) == ("example-new", "65534")
    assert path.exists()
    process.communicate("\n")
    assert is_gone(path)
    assert is_gone(Path(new))


def test_without_memory(start, tmp_path):
    """Where /dev/shm is no memory, files are in the directory for temporary files, as private and as short-lived."""
    process, path = start(place=tmp_path)
    assert path.is_relative_to(tmp_path)
    assert path.parent.stat().st_mode & 0o777 == path.parent.parent.stat().st_mode & 0o777 == 0o700
    process.kill()
    assert is_gone(path)


def test_memory_is_told_from_a_directory(tmp_path):
    """A /dev/shm that somebody made as a plain directory is not taken for memory."""
    from tacenda._secret_directory import _is_memory

    assert not _is_memory(str(tmp_path / "nowhere"))
    kinds = {line.split()[1]: line.split()[2] for line in Path("/proc/self/mounts").read_text().splitlines()}
    assert _is_memory("/dev/shm") is (kinds.get("/dev/shm") == "tmpfs")
    assert not _is_memory("/proc")
