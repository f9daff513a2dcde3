"""Cannot start the helper with the interpreter that its argument names; then can, with its own."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import os
import sys

from masked import SECRET, start

from tacenda.masking import registry


def descriptors() -> list[str]:
    return sorted(os.listdir("/dev/fd"))


python, sys.executable = sys.executable, sys.argv[1]
before = descriptors()
try:
    start()
except Exception as error:  # noqa: BLE001 - the test wants to see it
    print(str(error).partition("\n")[0])
print("same descriptors", descriptors() == before)
sys.executable = python
registry().add(SECRET, "api-keys")
print("second try", SECRET)
