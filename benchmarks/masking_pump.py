"""What the helper process costs: `python -m benchmarks.masking_pump [numpy]`, which prints JSON.

A producer writes to its standard output, which goes through the helper process or through a process that only copies;
this process reads what comes out. The producer and the copying process are this module with other arguments.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import masking_peers as peers
from benchmarks import masking_texts as texts
from benchmarks._measure import in_turn, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRETS = 10
BULK = 192 << 20
SLOW_BULK = 64 << 20
WARM = 32 << 20
"""After so many bytes the helper process has numpy, and the clock starts. Bytes."""
LINES = 1000
PAUSE = 0.001
REGISTERED = 200
ROUNDS = 7


def measure(numpy: bool) -> dict[str, dict[str, list[float]]]:
    """Return MB/s and the latencies of a line through both, and what starting and registering take, in seconds.

    A helper process imports numpy by itself once there is much to mask, where it is installed.
    """
    size = BULK if numpy else SLOW_BULK
    bulk = {name: partial(_bulk, name, numpy, size, WARM) for name in ("helper", "copy")}
    if numpy:
        bulk["helper, first 32 MiB"] = partial(_bulk, "helper", numpy, WARM, 0)
    starts = [json.loads(_output("start", numpy)) for _ in range(ROUNDS)]
    return {
        "MB/s": in_turn(bulk, ROUNDS),
        "latency": {name: _latencies(name, numpy) for name in ("helper", "copy")},
        "start": {name: [start[name] for start in starts] for name in starts[0]},
    }


def _bulk(through: str, numpy: bool, size: int, warm: int) -> float:
    with _producer("bulk", through, numpy, size) as end:
        done = len(os.read(end, texts.CHUNK))
        while done < warm:
            done += len(os.read(end, texts.CHUNK))
        started, before = time.perf_counter(), done
        while data := os.read(end, texts.CHUNK):
            done += len(data)
        return (done - before) / 1e6 / (time.perf_counter() - started)


def _latencies(through: str, numpy: bool) -> list[float]:
    # Both processes read the same clock: that of the system since it started.
    with _producer("lines", through, numpy) as end, open(end, "rb", closefd=False) as lines:
        return [time.monotonic() - float(line.split()[-1]) for line in lines]


def _output(mode: str, numpy: bool) -> bytes:
    with _producer(mode, "helper", numpy) as end, open(end, "rb", closefd=False) as output:
        return output.read()


@contextmanager
def _producer(mode: str, through: str, numpy: bool, size: int = 0) -> Iterator[int]:
    """Start a producer, and a copying process where one is wanted; give the end of the pipe they write into."""
    with ExitStack() as stack:
        end, entry = os.pipe()
        stack.callback(os.close, end)
        arguments = ["produce", mode, through, str(size), *(["numpy"] if numpy else [])]
        if through == "copy":
            copying_end, copying_entry = os.pipe()
            stack.enter_context(_started(["copy"], copying_end, entry))
            os.close(copying_end)
            os.close(entry)
            entry = copying_entry
        stack.enter_context(_started(arguments, subprocess.DEVNULL, entry))
        os.close(entry)
        yield end


@contextmanager
def _started(arguments: list[str], stdin: int, stdout: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.masking_pump", *arguments]
    with subprocess.Popen(command, stdin=stdin, stdout=stdout) as process:
        yield
        if process.wait():
            raise AssertionError(f"{' '.join(arguments)} ended with {process.returncode}")


def copy() -> None:
    """Copy standard input to standard output, as simply as a pump can."""
    while data := os.read(0, texts.CHUNK):
        _write(data)


def produce(mode: str, through: str, size: int) -> None:
    """Write to standard output, through the helper process if that is wanted."""
    values = texts.secrets(SECRETS)
    if through == "helper":
        from tacenda.masking import registry
        from tacenda.masking._output._install import install

        install()
        if mode == "start":
            _start(registry().add)
        for value in values:
            registry().add(value)
    if mode == "bulk":
        _produce_bulk(values, size)
    elif mode == "lines":
        _produce_lines()


def _start(add: Callable[[bytes], None]) -> None:
    values = texts.secrets(REGISTERED)
    first = timed(partial(add, values[0]))
    rest = [timed(partial(add, value)) for value in values[1:]]
    alone = peers.masker([])
    here = [timed(partial(alone.add, value)) for value in values]
    _write(json.dumps({"first": first, "add": statistics.median(rest), "here": statistics.median(here)}).encode())


def _produce_bulk(values: list[bytes], size: int) -> None:
    pieces = texts.chunks(texts.ordinary(texts.forms(values)))[:-1]
    for number in range(size // texts.CHUNK):
        _write(pieces[number % len(pieces)])


def _produce_lines() -> None:
    for number in range(LINES):
        time.sleep(PAUSE)
        _write(f"2026-11-22 10:11:12,345 INFO orders.worker: request {number} served at {time.monotonic()}\n".encode())


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def main() -> int:
    """Measure and print, or be one of the processes that are measured. Without `numpy` none of them finds numpy."""
    numpy = "numpy" in sys.argv[1:]
    if not numpy:
        sys.modules["numpy"] = None  # type: ignore[assignment]
    if sys.argv[1:2] == ["copy"]:
        copy()
    elif sys.argv[1:2] == ["produce"]:
        produce(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        print(json.dumps(measure(numpy)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
