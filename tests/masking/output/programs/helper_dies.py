"""Kills the helper, then does what its argument says."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import os
import signal
import sys
import time

from masked import SECRET, start

from tacenda.masking import registry
from tacenda.masking._output._install import _State, status

SECOND = "example-second-5822"


def register() -> None:
    try:
        registry().add(SECOND, "db#PASSWORD")
    finally:
        print("not to be seen", SECRET, SECOND)


def sigpipe() -> None:
    """As a command does that wants to end quietly in a pipe."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    register()


def write() -> None:
    print("not to be seen", SECRET, flush=True)


def quiet() -> None:
    pass


def unwritten() -> None:
    print("not to be seen", SECRET)  # stays in Python's buffer until the end


def child() -> None:
    if not (pid := os.fork()):
        register()
    _, code = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(code))


def told() -> None:
    try:
        registry().add(SECOND, "db#PASSWORD")
    except Exception as error:  # noqa: BLE001 - the test wants to see it
        frames, frame = [], error.__traceback__
        while frame:
            frames.append(repr([value for name, value in frame.tb_frame.f_locals.items() if name != "error"]))
            frame = frame.tb_next
        with open(sys.argv[2], "w") as file:
            print(type(error).__name__, error, error.__cause__, error.__context__, status().descriptors, file=file)
            print("locals", [frame for frame in frames[1:] if SECOND in frame], file=file)


if __name__ == "__main__":
    start()
    print("seen", SECRET, flush=True)
    time.sleep(0.1)
    os.kill(_State.installation.descriptors._redirection.process, signal.SIGKILL)
    time.sleep(0.1)
    globals()[sys.argv[1]]()
