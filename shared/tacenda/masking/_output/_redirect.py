"""Redirecting descriptors 1 and 2 to a helper, which passes on to where they led before."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from tacenda.masking._output._channel import Channel, connected
from tacenda.masking._output._kept import Identity, Kept, identity, lifted
from tacenda.masking._output._launch import launch
from tacenda.masking._output._wire import ADD, ROUTE

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tacenda.masking._engine import Masker

__all__ = ["Redirection", "places", "start"]

_STANDARD = (1, 2)
_PIPE = 1 << 18
"""Size of a pipe. Larger than usual, so that writer and helper take turns less often. Bytes."""


class Redirection:
    """Descriptors 1 and 2, and the helper that they lead to.

    Args:
        process: the helper's process id.
        channel: how it is asked.
    """

    def __init__(self, process: int, channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self._ours: set[Identity] = set()
        self._real_stderr: Kept | None = None

    def elsewhere(self) -> list[tuple[int, ...]]:
        """Return the `places` that are not the helper."""
        return places(self._ours)

    def cover(self) -> None:
        """Redirect what leads elsewhere.

        Raises:
            EOFError, OSError: if the helper does not take it; then it still leads elsewhere.
        """
        for descriptors in self.elsewhere():
            self._redirect(descriptors)

    def restore(self) -> None:
        """Lead the descriptors back, unless somebody has closed or redirected them, and leave the helper.

        Without the helper output stays cut off: it could hold secrets.
        """
        for descriptor in _STANDARD:
            with suppress(OSError, EOFError):
                if identity(descriptor) in self._ours:
                    target = self.channel.target(_name(descriptor))
                    os.dup2(target, descriptor)
                    os.close(target)
        self.channel.close()
        self.forget_stderr()

    def tell(self, text: str) -> None:
        """Write where descriptor 2 led before."""
        if self._real_stderr:
            with suppress(OSError):
                descriptor = self._real_stderr.duplicate()
                try:
                    os.write(descriptor, text.encode())
                finally:
                    os.close(descriptor)

    def forget_stderr(self) -> None:
        """Do not keep open where descriptor 2 led before."""
        if self._real_stderr:
            self._real_stderr.close()
            self._real_stderr = None

    def _redirect(self, descriptors: tuple[int, ...]) -> None:
        """Redirect descriptors that lead to one place. They share a pipe, which keeps the order of what is written."""
        with ExitStack() as opened:
            real, source, sink, terminal = _open(descriptors[0], opened)
            group = os.getpgrp() if terminal else 0
            if not self.channel.request(ROUTE, b"%s %d" % (_name(sink), group), (source, real)):
                raise OSError("it could not take more output")
            self._ours.add(identity(sink))
            for descriptor in descriptors:
                os.dup2(sink, descriptor)
            if 2 in descriptors:  # noqa: PLR2004 - stderr
                self.forget_stderr()
                self._real_stderr = Kept(lifted(real, close=False))


def start(masker: Masker) -> Redirection | None:
    """Start a helper, tell it all values and redirect descriptors 1 and 2 to it; return None if both are closed.

    Raises:
        EOFError, OSError: if that fails; then nothing is redirected.
    """
    if not places():
        return None
    ours, theirs = connected()
    with ours, theirs:
        process = launch(theirs.fileno(), masker)
        control = Kept(lifted(ours.fileno(), close=False))
    redirection = Redirection(process, Channel(control))
    try:
        for value in list(masker.values()):  # a signal handler may add one
            if not redirection.channel.request(ADD, value):
                raise OSError("it could not register a value")
        redirection.cover()
    except BaseException:
        redirection.restore()
        raise
    return redirection


def places(ours: AbstractSet[Identity] = frozenset()) -> list[tuple[int, ...]]:
    """Return the standard descriptors that are open, grouped by the place that they lead to.

    One that children do not inherit is left out: it is a file of the program's own, which Python opened while that
    number was closed.

    Args:
        ours: those that lead there are left out, too.
    """
    found: dict[Identity, tuple[int, ...]] = {}
    for descriptor in _STANDARD:
        with suppress(OSError):  # it is closed
            place = identity(descriptor)
            if place not in ours and os.get_inheritable(descriptor):
                found[place] = (*found.get(place, ()), descriptor)
    return list(found.values())


def _name(descriptor: int) -> bytes:
    """Return the name of the route that a descriptor leads to."""
    return b"%d:%d" % identity(descriptor)


def _open(first: int, opened: ExitStack) -> tuple[int, int, int, bool]:
    """Return where a descriptor leads, both ends of what it is to lead to, and whether that is a terminal."""
    terminal = os.isatty(first)
    if terminal:
        from tacenda.masking._output._terminal import open_terminal

        ends = open_terminal(first)
    else:
        ends = os.pipe()
        with suppress(AttributeError, OSError):  # not Linux, or more than this user may have
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)
    real, source, sink = lifted(first, close=False), *map(lifted, ends)
    for descriptor in (real, source, sink):
        opened.callback(os.close, descriptor)
    return real, source, sink, terminal
