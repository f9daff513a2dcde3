"""What the programs share: one registered secret, and lines with a number that hold it."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import base64
import os
import subprocess
import sys

from tacenda.masking import registry
from tacenda.masking._output._install import install

SECRET = "example-token-4711"
ENCODED = base64.b64encode(SECRET.encode()).decode()
_numbers = iter(range(10**6))


def start() -> None:
    install()
    registry().add(SECRET, "api-keys")


def line(how: str) -> str:
    return f"{next(_numbers):04} {how} {SECRET} {ENCODED}\n"


def write_in_every_way() -> None:
    """Write ten numbered lines to stdout, and every other one to stderr."""
    for _ in range(2):
        print(line("print"), end="", flush=True)
        os.write(2, line("os.write").encode())
        subprocess.run(["cat"], input=line("subprocess").encode(), check=True)
        print(line("print"), end="", file=sys.stderr, flush=True)
        os.write(1, line("os.write").encode())
