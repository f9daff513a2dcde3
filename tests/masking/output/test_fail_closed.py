"""When the helper dies or does not start, nothing gets out unmasked, and the process says why."""

from __future__ import annotations

import re

import pytest

WHY = re.compile(rb"tacenda: the masking helper \(process \d+\) is gone")


@pytest.mark.parametrize("notices", ["register", "sigpipe", "write", "quiet", "unwritten", "child"])
def test_helper_killed(programs, notices):
    """However the process notices: no value, one message with the reason and what to do, and no exit code 0."""
    done = programs.run("helper_dies.py", notices)
    assert done.stdout == b"seen [masked]\n"
    assert programs.secret not in done.stderr
    assert b"example-second-5822" not in done.stderr
    assert len(WHY.findall(done.stderr)) == 1
    assert b"next: start the program again" in done.stderr
    assert done.returncode not in (0, None)


def test_value_is_not_handed_out(programs, tmp_path):
    """Registering raises, with the secret's name and never its value, in a message, a cause or a local of ours."""
    programs.run("helper_dies.py", "told", str(tmp_path / "told"))
    told = (tmp_path / "told").read_text()
    assert told.startswith("SecretLeak cannot mask db#PASSWORD, so it is not handed out: the masking helper (process")
    assert "next: start the program again" in told
    assert "why_not='the masking helper is gone'" in told
    assert "None None" in told
    assert "locals []" in told
    assert "example-second-5822" not in told


def test_helper_that_does_not_start(programs, tmp_path):
    """An interpreter that cannot be started: the reason is told, the value is not handed out, output stays as it is."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no shared library >&2\nexit 127\n")
    broken.chmod(0o755)
    done = programs.run("no_start.py", str(broken))
    assert done.returncode == 0
    assert done.stdout == (
        b"cannot mask api-keys, so it is not handed out: the masking helper does not start: "
        + f"{broken} ended with code 127: no shared library\n".encode()
        + b"same descriptors True\n"
        + b"second try [masked]\n"
    )


def test_interpreter_that_is_gone(programs, tmp_path):
    """Python was upgraded under a running program: the same, without a trace of what was opened meanwhile."""
    done = programs.run("no_start.py", str(tmp_path / "gone"))
    assert b"does not start: [Errno 2] No such file or directory" in done.stdout
    assert b"same descriptors True\nsecond try [masked]\n" in done.stdout


def test_reader_that_goes_away(programs):
    """`program | head -1`: the program is ended as it would be without masking, and nobody calls the helper dead."""
    process = programs.start("crash.py", "full_pipe")
    assert [process.stdout.readline()[:4] for _ in range(6)][-1] == b"0009"
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(20) != 0
    assert b"BrokenPipeError" in err
    assert not WHY.search(err)


def test_reader_that_goes_away_takes_subprocesses_with_it(programs):
    """A program in C gets SIGPIPE when nobody reads any more: `yes` does not run for ever."""
    process = programs.start("yes.py")
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.stderr.read() == b"yes ended with -13\n"
    assert process.wait(20) == 0
