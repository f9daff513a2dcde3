"""What C code writes is masked, too, and never waits for Python code of the same process."""

from __future__ import annotations


def test_c_stdio(programs):
    """`printf` and `puts` in a library."""
    done = programs.run("c_code.py", "stdio")
    assert done.stdout == b"puts [masked]\nprintf [masked]\nthe end\n"


def test_c_code_that_holds_the_interpreter(programs):
    """A library that writes more than a pipe holds without giving up the interpreter lock: no deadlock."""
    done = programs.run("c_code.py", "holds_the_interpreter")
    assert done.stdout == b"held [masked] %s\n" % (b"x" * 4000) * 1000 + b"the end\n"


def test_c_stdio_that_is_written_after_python_has_ended(programs):
    """The C library empties its buffers at the very end: the helper is still there."""
    done = programs.run("c_code.py", "buffered_to_the_end")
    assert done.stdout == b"the end\nprintf [masked]\n"
