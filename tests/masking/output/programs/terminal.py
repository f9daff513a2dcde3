"""Tells what it sees of its terminal; with "watch" it tells of a change of size, too."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios

from masked import SECRET, start

fcntl.ioctl(0, termios.TIOCSCTTY)  # a session of its own got this terminal as its controlling one


def tell(*_: object) -> None:
    size = os.get_terminal_size(1)
    # Not `print`: the signal may come while the program prints.
    os.write(1, f"size {size.columns} {size.lines} {'again' if _ else 'first'}\n".encode())


signal.signal(signal.SIGWINCH, tell)
start()
print("tty", *(os.isatty(number) for number in (0, 1, 2)), sys.stdout.line_buffering, flush=True)
print("secret", SECRET, flush=True)
tell()
if sys.argv[1:] == ["watch"]:
    while sys.stdin.readline() != "stop\n":
        pass
