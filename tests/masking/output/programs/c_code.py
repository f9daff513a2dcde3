"""C code writes by itself."""

from __future__ import annotations

import ctypes
import os
import sys

from masked import SECRET, start


def stdio() -> None:
    libc = ctypes.CDLL(None)
    libc.puts(f"puts {SECRET}".encode())
    libc.printf(b"printf %s\n", SECRET.encode())
    libc.fflush(None)


def holds_the_interpreter() -> None:
    """Write 4 MB, far more than a pipe holds, while no other Python thread of this process can run."""
    libc = ctypes.PyDLL(None)
    line = f"held {SECRET} {'x' * 4000}\n".encode()
    for _ in range(1000):
        libc.write(1, line, len(line))


def buffered_to_the_end() -> None:
    """What the C library writes only when the process ends."""
    ctypes.CDLL(None).printf(b"printf %s\n", SECRET.encode())


if __name__ == "__main__":
    start()
    globals()[sys.argv[1]]()
    os.write(1, b"the end\n")
