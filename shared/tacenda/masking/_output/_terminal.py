"""A pseudo-terminal in front of the real one, so that programs still see a terminal, its settings and its size."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

__all__ = ["copy_size", "open_terminal"]

_SIZE = struct.Struct("HHHH")
_OUTPUT, _LOCAL = 1, 3  # indices into what tcgetattr returns


def open_terminal(real: int) -> tuple[int, int]:
    """Return the reading and the writing end of a new pseudo-terminal that looks like a real one.

    Its output is raw, because the real terminal turns a newline into carriage return and newline already.
    """
    reading, writing = os.openpty()
    settings = termios.tcgetattr(real)
    settings[_OUTPUT] &= ~termios.OPOST
    settings[_LOCAL] &= ~termios.ECHO
    termios.tcsetattr(writing, termios.TCSANOW, settings)
    copy_size(real, reading)
    return reading, writing


def copy_size(real: int, ours: int) -> bool:
    """Give our terminal the size of the real one; return whether it changed."""
    size = _size(real)
    if size == _size(ours):
        return False
    fcntl.ioctl(ours, termios.TIOCSWINSZ, size)
    return True


def _size(terminal: int) -> bytes:
    return fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(_SIZE.size))
