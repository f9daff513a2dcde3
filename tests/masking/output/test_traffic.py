"""Much output, slow readers, and signals that hit a whole job: nothing is lost, and nothing is held up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

MASKED = b"[masked]" + b"." * (65536 - 1 - len("0000 example-token-4711"))


def numbers(output: bytes) -> list[int]:
    return [int(line[:4]) for line in output.splitlines()]


def test_slow_reader(programs):
    """A reader that takes its time gets every line; the writer waits for it, even when it ends."""
    process = programs.start("traffic.py", "1000", "1000", stdin=subprocess.DEVNULL, bufsize=0)
    output = b""
    while chunk := process.stdout.read(1 << 16):
        output += chunk
        time.sleep(0.03)
    assert process.wait(10) == 0
    assert programs.secret not in output
    assert numbers(output) == list(range(1000))


def test_process_does_not_end_before_its_output_has_arrived(programs):
    """Like any process it waits at its end for whoever reads: at most what a pipe holds is left to read then."""
    process = programs.start("traffic.py", "500", "1000", stdin=subprocess.DEVNULL, bufsize=0)
    output = b""
    while process.poll() is None:
        output += process.stdout.read(1 << 16)
        time.sleep(0.1)
    left = process.stdout.read()
    assert len(left) <= 1 << 17  # what the pipe holds, and as much again that was read while the process ended
    assert numbers(output + left) == list(range(500))


def test_slow_reader_holds_up_nobody_else(programs, read_until):
    """Nobody reads stdout, which is full: stderr still arrives, and values are still registered at once."""
    process = programs.start("full.py")
    assert read_until(process.stderr.fileno(), b"done\n") == b"registered [masked]\ndone\n"
    assert b"unread" in process.stdout.read()
    assert process.wait(10) == 0


def test_target_that_does_not_block(programs):
    """Somebody who shares the pipe made it non-blocking, as Node.js does: the helper waits for its reader."""
    near, far = os.pipe()
    os.set_blocking(far, False)
    process = programs.start("traffic.py", "1000", "1000", stdin=subprocess.DEVNULL, stdout=far)
    os.close(far)
    time.sleep(0.3)
    with open(near, "rb") as reader:
        output = reader.read()
    assert process.wait(10) == 0
    assert numbers(output) == list(range(1000))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="other systems tell in other ways what is loaded")
def test_heavy_traffic_is_worth_numpy(programs):
    """After 8 MiB the helper imports the program's numpy, with which it masks many times as fast; not before."""
    process = programs.start("traffic.py", "300", "65536", stdin=subprocess.PIPE)
    (line,) = {process.stdout.readline()[5:-1] for _ in range(100)}
    (helper,) = programs.helpers()
    maps = Path(f"/proc/{helper}/maps")
    assert line == MASKED
    assert "numpy" not in maps.read_text()
    assert {process.stdout.readline()[5:-1] for _ in range(200)} == {MASKED}
    deadline = time.monotonic() + 10
    while "numpy" not in maps.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "numpy" in maps.read_text()
    process.stdin.close()
    assert process.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signal_to_the_whole_job(programs, number):
    """Ctrl-C, or whoever ends a job with all its processes: what was written before still arrives."""
    process = programs.start("traffic.py", "9999", "1000", stdin=subprocess.PIPE, start_new_session=True)
    output = process.stdout.readline()
    time.sleep(0.2)  # until the pipes are full
    os.killpg(process.pid, number)
    output += process.stdout.read()
    assert process.wait(10) != 0
    assert len(output) > 65536  # what was in the pipes
    assert output.endswith(b"\n")
    assert numbers(output) == list(range(len(output.splitlines())))
    assert programs.secret not in output
