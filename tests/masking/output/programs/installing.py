"""Installs and uninstalls in the way its argument says."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import os
import subprocess
import sys

from masked import SECRET, start

from tacenda.errors import SecretLeak
from tacenda.masking import registry
from tacenda.masking._output._install import install, status, uninstall


def identities() -> list[tuple[int, int]]:
    return [(about.st_dev, about.st_ino) for about in map(os.fstat, (1, 2))]


def nothing() -> None:
    """Neither the import nor an installation without values does anything."""
    before = identities()
    install()
    print(identities() == before)
    print(SECRET)
    print("tacenda.masking._output._launch" in sys.modules)


def twice() -> None:
    start()
    first = identities()
    start()
    install()
    print(identities() == first, SECRET)


def values_first() -> None:
    registry().add(SECRET, "api-keys")
    before = identities()
    install()
    print(identities() != before, SECRET)


def values_first_but_no_helper() -> None:
    registry().add(SECRET, "api-keys")
    before, python, sys.executable = identities(), sys.executable, os.devnull
    try:
        install()
    except SecretLeak as error:
        print(error.name, status().logging.active, identities() == before)
    sys.executable = python
    install()
    print(SECRET)


def and_back() -> None:
    before = identities()
    for number in range(3):
        start()
        print(number, identities() == before, SECRET)  # unflushed: it must go out masked all the same
        subprocess.run(["echo", f"example-{SECRET}"], check=True)
        uninstall()
        uninstall()
        print(number, identities() == before, SECRET, flush=True)


def redirected_since() -> None:
    """Somebody has redirected stderr since: that is not ours to restore."""
    start()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    redirected = identities()[1]
    uninstall()
    print(identities()[1] == redirected)


def left_to_a_child() -> None:
    """A child goes on through the helper after its parent has uninstalled."""
    start()
    child = subprocess.Popen(["sh", "-c", "read line; echo child $line"], stdin=subprocess.PIPE)
    print("masked", SECRET)
    uninstall()
    child.communicate(SECRET.encode())
    print("plain", SECRET)


def in_a_forked_child() -> None:
    start()
    if not (pid := os.fork()):
        uninstall()
        os.write(1, f"child {SECRET}\n".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    print("parent", SECRET)


def closed_at_start() -> None:
    start()
    for number in (1, 2):
        try:
            os.write(number, f"{number} {SECRET}\n".encode())
        except OSError as error:
            os.write(3 - number, f"{error}\n".encode())


def tells() -> None:
    print(*status(), sep="\n")
    install()
    print(*status(), sep="\n")
    sys.executable = ""
    print(status().descriptors)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
