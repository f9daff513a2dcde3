"""Programs that close, reopen and redirect descriptors behind our back, or run out of them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SECOND = b"example-second-5822"
NO_CONNECTION = "cannot mask second, so it is not handed out: this program has closed its connection to the masking"


def run(programs, *arguments: str, **options) -> list[str]:
    done = programs.run("behind_our_back.py", *arguments, **options)
    assert done.returncode == 0, done.stderr
    output = done.stdout + (done.stderr or b"")
    assert programs.secret not in output
    return output.decode().splitlines()


def test_our_numbers_reused_by_sockets(programs):
    """After `os.closerange` our numbers are the program's sockets': they get no value, and are not closed."""
    why, *others = run(programs, "reused_by_sockets")
    assert why.startswith(NO_CONNECTION)
    assert "next: leave open what others have opened, or call `uninstall()` and `install()`" in why
    assert why.endswith("False")
    assert others == ["still open [masked]"]


def test_our_numbers_reused_by_files(programs, tmp_path):
    """The program's files hold what it wrote: no value, not our last message, and they were not closed."""
    (why,) = run(programs, "reused_by_files", str(tmp_path))
    assert why.startswith(NO_CONNECTION)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"mine"}


def test_installed_again_after_closing(programs):
    """What the message advises helps: `uninstall()` and `install()` after everything was closed."""
    assert run(programs, "installed_again") == ["handed out [masked] [masked]"]


def test_values_from_before_the_helper(programs):
    """A daemon reads a secret while its output is closed, and opens it later: that secret is masked, too."""
    done = programs.run("behind_our_back.py", "closed_first")
    assert done.stdout == b"out [masked] [masked]\nout example-token-4711 [masked]\n"
    assert done.stderr == b"err [masked] [masked]\n"


@pytest.mark.parametrize("again", ["add", "install"])
def test_output_redirected_to_a_log_file(programs, tmp_path, again):
    """A daemon leads its output to a log after the first secret: the next one, or `install()`, has the log masked."""
    before, after = run(programs, "redirected", str(tmp_path / "log"), again)
    assert before == "False descriptor 1 or 2 was redirected since; the next value masks it, and so does install()"
    assert after == "True [masked] [masked]"
    assert programs.left() == []
    assert (tmp_path / "log").read_text() == "log [masked] [masked]\nchild [masked] [masked]\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="other systems list descriptors in other ways")
def test_output_redirected_again_and_again(programs, tmp_path):
    """As a test's capture does: every file is masked, and the helper keeps nothing of those that are closed."""
    assert run(programs, "there_and_back", str(tmp_path)) == ["back [masked] [masked] descriptors True"]
    assert programs.left() == []
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        str(number): f"{number} [masked]\n" for number in range(20)
    }


def test_file_at_the_number_of_a_closed_stdout(programs, tmp_path):
    """A program is started without stdout, and its file gets number 1: it holds what the program wrote."""
    command = ["sh", "-c", '"$0" "$1" own_file "$2" closed >&-', sys.executable]
    command += [programs.path("behind_our_back.py"), str(tmp_path / "file")]
    done = subprocess.run(command, stderr=subprocess.PIPE, env=programs.environment, check=True)
    assert done.stderr == b"err [masked]\n"
    assert (tmp_path / "file").read_bytes() == programs.secret


def test_file_at_the_number_of_a_stdout_that_the_program_closed(programs, tmp_path):
    """The same after `os.close(1)`; what Python prints there without knowing is masked."""
    assert run(programs, "own_file", str(tmp_path / "file"), "closes") == ["err [masked]"]
    written = (tmp_path / "file").read_bytes()
    assert b" and print [masked]\n" in written
    assert written.count(programs.secret) == 1


def test_more_children_than_descriptors(programs):
    """Children that have registered something do not use up what the helper can open."""
    assert run(programs, "many_children") == ["failed 0"]


def test_removing(programs):
    """A value that is removed is masked in all that was written before."""
    *lines, last = programs.run("behind_our_back.py", "removed").stdout.splitlines()
    assert lines == [b"[masked]"] * 6000
    assert last == b"example-second-5822-0 [masked]"


def test_busy_helper(programs):
    """A helper that does not answer in time is busy, not gone: output goes on, and so do registrations."""
    assert run(programs, "busy") == ["True", "handed out [masked] [masked]"]


def test_installing_from_many_threads(programs, read_until):
    """Eight threads install at once: there is one helper."""
    process = programs.start("behind_our_back.py", "two_threads", stdin=subprocess.PIPE)
    assert read_until(process.stdout.fileno(), b"\n") == b"installed [masked]\n"
    assert len(programs.helpers()) == 1
    process.stdin.close()
    assert process.wait(10) == 0


@pytest.mark.parametrize("left", ["1", "5"])
def test_too_many_open_files(programs, left):
    """The reason is told, and what to do about that very reason."""
    (why,) = run(programs, "no_descriptors", left, stdin=subprocess.DEVNULL)
    assert "the masking helper does not start: [Errno 24] Too many open files" in why
    assert "next: raise the limit of open files (`ulimit -n`), or close some" in why


def test_start_that_fails_in_another_way(programs):
    """Whatever the reason is, it becomes a SecretLeak, and no frame, cause or context holds the value (checklist 3)."""
    why, frames = run(programs, "not_a_file_name")
    assert "so it is not handed out: the masking helper does not start: embedded null byte" in why
    assert why.endswith("None None")
    assert frames == "frames []"
