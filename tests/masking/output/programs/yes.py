"""Starts a program that writes until nobody reads."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import subprocess
import sys

from masked import start

start()
print("yes ended with", subprocess.run(["yes"], check=False).returncode, file=sys.stderr)
