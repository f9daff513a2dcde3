"""Forks, pools, threads and subprocesses: each registers what it reads, and writes through the one helper."""

from __future__ import annotations

import os
import subprocess

import pytest

SECOND = b"example-second-5822"


def run(programs, *arguments: str) -> bytes:
    done = programs.run("children.py", *arguments)
    assert done.stderr == b""
    assert done.returncode == 0
    assert programs.secret not in done.stdout
    assert SECOND not in done.stdout
    return done.stdout


def test_fork_registers_its_own_secrets(programs):
    """A forked child reads a secret: it is masked in the child's output and, being in one pipe, in the parent's."""
    assert run(programs, "forked") == b"child [masked] [masked]\nparent [masked] [masked]\n"


def test_fork_removes_only_its_own(programs):
    """What a forked child removes of its parent's stays masked: the parent still has it."""
    done = programs.run("children.py", "forked_removes")
    assert done.stdout == b"child [masked] [masked]\nexample-second-5822\nparent [masked]\n"


def test_fork_talks_over_connections_of_its_own(programs):
    """Two processes on one connection would read each other's answers, and hand out what is not masked yet."""
    assert run(programs, "forked_while_asking") == b"True 0 0\n"


def test_fork_before_the_first_value(programs):
    """A child that is forked before anything was read starts a helper of its own, and leaves the parent's way alone."""
    done = programs.run("children.py", "forked_before")
    assert done.stderr == b""
    assert done.stdout == b"child example-token-4711 [masked]\nparent [masked]\n"  # the child did not know that value


def test_fork_in_the_middle_of_registrations(programs):
    """Twenty forks while three threads register: no child hangs, no answer goes to the wrong process."""
    assert run(programs, "forked_while_registering") == b"child [masked] [masked]\n" * 20 + b"parent [masked]\n"


def test_pool(programs):
    """Workers of a process pool register as they go."""
    assert run(programs, "pool") == b"child [masked] [masked]\n" * 8


def test_nested(programs):
    """A subprocess that uses tacenda itself has a helper of its own before the parent's: masking twice is harmless."""
    assert run(programs, "nested") == b"child [masked] [masked]\n"


def test_concurrent_registration(programs):
    """Four threads register and write at once: every value is masked from its first use on (checklist 8)."""
    output = run(programs, "threads")
    assert sorted(output.splitlines()) == sorted(b"%d [masked]" % worker for worker in range(4) for _ in range(25))


def test_waiting_for_all_children(programs):
    """A program that waits for whatever child it has does not wait for the helper."""
    assert run(programs, "waits_for_all_children") == b"no child is left\n"


def test_daemon(programs, tmp_path):
    """A daemon does not keep its caller's pipes open, and still reads secrets when nobody sees its output any more."""
    process = programs.start("children.py", "daemon", str(tmp_path / "told"), stdin=subprocess.PIPE)
    out, err = process.stdout.read(), process.stderr.read()  # until the end, while the daemon still runs
    assert (out, err, process.wait(10)) == (b"", b"", 0)
    assert not (tmp_path / "told").exists()
    process.stdin.close()
    assert programs.left() == []
    assert (tmp_path / "told").read_text() == "registered"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="other systems list processes in other ways")
@pytest.mark.parametrize("file", ["cmdline", "environ"])
def test_value_is_neither_in_argv_nor_in_the_environment(programs, read_until, file):
    """What every user of the machine can list about the helper holds no value, in no form (checklist 21)."""
    environment = {**programs.environment, "API_KEY": "example-token-4711"}
    process = programs.start("prompt.py", "ready\n", stdin=subprocess.PIPE, env=environment)
    read_until(process.stdout.fileno(), b"ready\n")
    (helper,) = programs.helpers()
    with open(f"/proc/{helper}/{file}", "rb") as about:
        listed = about.read()
    process.stdin.close()
    assert process.wait(10) == 0
    assert b"tacenda" in listed or programs.mark.encode() in listed
    assert programs.secret not in listed
    assert programs.encoded not in listed
