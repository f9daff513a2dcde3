"""Running real programs whose output is masked, and watching that none of them leaves a process behind."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
SECRET = b"example-token-4711"
ENCODED = b"ZXhhbXBsZS10b2tlbi00NzEx"
collect_ignore_glob = ["programs/*"]


def alive(mark: str) -> list[int]:
    """Return the processes, no zombies, with a mark in their environment; none where there is no /proc."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:  # it has just ended, or is somebody else's
            continue
    return found


class Programs:
    """Starts the programs beside this file. The helper keeps LD_LIBRARY_PATH, by which it is found again."""

    secret = SECRET
    encoded = ENCODED

    def __init__(self, directory: Path) -> None:
        self.mark = str(directory)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": self.mark}
        self.environment.pop("PYTHONUNBUFFERED", None)
        self._started: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def path(program: str) -> str:
        return str(PROGRAMS / program)

    def start(self, program: str, *arguments: str, **options) -> subprocess.Popen[bytes]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": self.environment, **options}
        process = subprocess.Popen([sys.executable, self.path(program), *arguments], **options)
        self._started.append(process)
        return process

    def run(self, program: str, *arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end, and until nobody can write any more."""
        process = self.start(program, *arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start_on_terminal(self, program: str, *arguments: str, **options) -> tuple[subprocess.Popen[bytes], int]:
        """Start a program on a terminal of its own; return the process and the terminal's other end."""
        near, far = pty.openpty()
        process = self.start(program, *arguments, stdin=far, stdout=far, stderr=far, start_new_session=True, **options)
        os.close(far)
        return process, near

    def helpers(self) -> list[int]:
        """Return the helper processes of the programs that were started."""
        return [pid for pid in alive(self.mark) if b"_helper.main(" in _command_line(pid)]

    def close(self) -> None:
        for process in self._started:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
            if process.poll() is None:
                process.kill()
            process.wait(10)

    def left(self) -> list[int]:
        """Return what still runs although everything has ended; wait a little for it."""
        deadline = time.monotonic() + 5
        while (left := alive(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return left


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def programs(tmp_path):
    started = Programs(tmp_path)
    yield started
    started.close()
    assert started.left() == [], "a process was left running"


def read_until(descriptor: int, wanted: bytes, timeout: float = 10.0) -> bytes:
    """Read until something wanted has come, or the end."""
    data = b""
    deadline = time.monotonic() + timeout
    while wanted not in data and (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        try:
            chunk = os.read(descriptor, 1 << 16)
        except OSError:  # how a pseudo-terminal ends
            break
        if not chunk:
            break
        data += chunk
    return data


@pytest.fixture(name="read_until")
def _read_until():
    return read_until
