"""On a terminal a program still finds a terminal: its kind, its size, its newlines."""

from __future__ import annotations

import fcntl
import os
import struct
import termios


def resize(near: int, columns: int, lines: int) -> None:
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def test_isatty_and_masked(programs, read_until):
    """Colors and progress bars stay, because stdout and stderr are terminals still; values are masked."""
    process, near = programs.start_on_terminal("terminal.py")
    output = read_until(near, b"the end")
    os.close(near)
    assert process.wait(10) == 0
    assert b"tty True True True True\r\n" in output
    assert b"secret [masked]\r\n" in output
    assert b"\r\r\n" not in output


def test_size_is_kept_and_follows(programs, read_until):
    """The terminal's size is the real one's, also after a resize, of which the program is told by SIGWINCH."""
    process, near = programs.start_on_terminal("terminal.py", "watch")
    resize(near, 91, 31)
    output = read_until(near, b"first\r\n")
    resize(near, 123, 45)
    output += read_until(near, b"size 123 45 again\r\n")
    os.write(near, b"stop\n")
    assert process.wait(10) == 0
    os.close(near)
    assert b"size 91 31 first\r\n" in output
    assert b"size 123 45 again\r\n" in output


def test_stdout_in_a_pipe_and_stderr_on_the_terminal(programs, read_until):
    """Each descriptor stays what it is: `program | less` has no terminal on stdout, but on stderr."""
    near, far = os.openpty()
    process = programs.start("crash.py", "normal", stderr=far)
    os.close(far)
    out = process.stdout.read()
    err = read_until(near, b"nothing stops this but the end")
    os.close(near)
    assert process.wait(10) == 0
    assert out.splitlines()[-1] == b"the end"
    assert err.count(b"[masked] [masked]\r\n") == 4
    assert programs.secret not in out + err


def test_terminal_that_goes_away(programs):
    """A closed terminal window ends the program's output, not the program's host: nothing is left running."""
    process, near = programs.start_on_terminal("terminal.py", "watch")
    os.close(near)
    process.wait(10)
    assert programs.left() == []


def test_nested_helpers_on_a_terminal(programs, read_until):
    """A subprocess that uses tacenda itself sees a terminal of its own in front of its parent's."""
    process, near = programs.start_on_terminal("children.py", "nested")
    output = read_until(near, b"the end")
    os.close(near)
    assert process.wait(10) == 0
    assert output == b"child [masked] [masked]\r\n"
