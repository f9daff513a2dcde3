"""Writes as much as its arguments say: so many lines, of so many bytes each; then waits for stdin."""

from __future__ import annotations

import os
import sys

from masked import SECRET, start

start()
lines, size = map(int, sys.argv[1:])
for number in range(lines):
    os.write(1, f"{number:04} {SECRET}".encode().ljust(size - 1, b".") + b"\n")
sys.stdin.read()
