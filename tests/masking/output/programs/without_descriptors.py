"""What happens on a system without forks and pseudo-terminals, and with streams that lead elsewhere."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import io
import logging
import os
import sys
import time

from masked import ENCODED, SECRET, start

from tacenda.masking import registry
from tacenda.masking._output import _install


def elsewhere() -> None:
    """As on Windows: only Python's own streams are masked."""
    handler = logging.StreamHandler()  # holds sys.stderr from before
    _install.why_no_descriptors = lambda: "no forks here"
    start()
    print("print", SECRET, ENCODED)
    sys.stdout.flush()
    sys.stdout.buffer.write(f"buffer {SECRET}\n".encode())
    print(SECRET, file=sys.stderr)
    handler.stream.write(f"handler {SECRET}\n")
    sys.stdout.writelines(["lines ", SECRET[:9], SECRET[9:], "\n"])
    print("encoding", sys.stdout.encoding, sys.stdout.fileno(), sys.stdout.isatty())
    print(_install.status().descriptors.why_not)
    print("unfinished example-tok", end="")


def prompt() -> None:
    _install.why_no_descriptors = lambda: "no forks here"
    start()
    sys.stdout.write("Name (exa")
    sys.stdout.flush()
    sys.stdin.read()


def notebook() -> None:
    """A notebook's stdout is an object that sends what is written elsewhere; the descriptors are there as well."""

    class Cell:
        encoding = "utf-8"

        def __init__(self) -> None:
            self.sent: list[str] = []

        def write(self, text: str) -> int:
            self.sent.append(text)
            return len(text)

        def writelines(self, lines) -> None:
            self.sent += lines

        def flush(self) -> None:
            pass

    stdout, sys.stdout = sys.stdout, Cell()
    start()
    print("cell", SECRET)
    print("later exa", end="")
    time.sleep(0.3)
    sent, sys.stdout = sys.stdout.sent, stdout
    os.write(1, f"descriptor {SECRET}\n".encode())
    print("sent", "".join(sent))


def replaced() -> None:
    """Streams that were replaced are masked by another `install()`; `uninstall()` leaves them as they were."""
    start()
    capture = sys.stdout = io.StringIO()
    _install.install()
    _install.install()
    print("captured", SECRET, len(_install._State.installation.streams), end="")
    _install.uninstall()
    print(",", "example", end="")
    sys.stdout = sys.__stdout__
    print(capture.getvalue(), vars(capture))


def unwrappable() -> None:
    """A stream that does not let its `write` be replaced is left alone."""

    class Slots:
        __slots__ = ()

        def write(self, text: str) -> int:
            return os.write(1, text.encode())

        def flush(self) -> None:
            pass

    sys.stdout = Slots()
    start()
    print("slots", SECRET)
    sys.stderr = None
    _install.install()


if __name__ == "__main__":
    registry()
    globals()[sys.argv[1]]()
