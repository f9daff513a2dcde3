"""Writes what its arguments say, one after the other: text, or a pause in seconds after "@"; then waits for stdin."""

from __future__ import annotations

import os
import sys
import time

from masked import start

start()
for argument in sys.argv[1:]:
    if argument.startswith("@"):
        time.sleep(float(argument[1:]))
    else:
        os.write(1, argument.encode())
sys.stdin.read()
