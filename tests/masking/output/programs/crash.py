"""Writes in every way, then ends in the way its argument says; the last line is "the end"."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading

from masked import SECRET, line, start, write_in_every_way

LAST = "the end"


def normal() -> None:
    print(LAST)  # unflushed, as in the next two


def exception() -> None:
    print(LAST)
    raise RuntimeError(SECRET)


def sys_exit() -> None:
    print(LAST)
    sys.exit(3)


def os_exit() -> None:
    print(LAST, flush=True)
    os._exit(4)


def sigterm() -> None:
    print(LAST, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def sigkill() -> None:
    print(LAST, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def abort() -> None:
    print(LAST, flush=True)
    os.abort()


def segfault() -> None:
    print(LAST, flush=True)
    ctypes.string_at(0)


def exec_() -> None:
    os.environ["LINE"] = line("exec") + LAST
    os.execvp("sh", ["sh", "-c", 'echo "$LINE"'])


def fork() -> None:
    child = os.fork()
    if not child:
        print(line("fork"), end="", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(LAST)


def _work(text: str) -> None:
    print(text, end="", flush=True)


def multiprocessing_() -> None:
    for method in ("fork", "spawn"):
        process = multiprocessing.get_context(method).Process(target=_work, args=(line(method),))
        process.start()
        process.join()
    print(LAST)


def thread_exception() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    print(LAST)


def orphan() -> None:
    environment = {**os.environ, "LINE": line("orphan") + LAST}
    subprocess.Popen(["sh", "-c", 'sleep 0.3; echo "$LINE"'], env=environment)


def long_line() -> None:
    sys.stdout.write(f"{line('long')[:-1]} {'x' * 3_000_000} {SECRET}\n{LAST}\n")


def no_newline() -> None:
    print(LAST, end="")


def closed_stdout() -> None:
    print(LAST, flush=True)
    os.close(1)
    os.write(2, line("stderr").encode())
    os._exit(0)


def full_pipe() -> None:
    for _ in range(8000):
        sys.stdout.write(line("full"))
    print(LAST)


def killed_with_much_left() -> None:
    os.write(1, (b"x" * 99 + b"\n") * 2000 + b"the end\n")  # more than one pipe takes, less than two do
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    start()
    write_in_every_way()
    globals()[sys.argv[1]]()
