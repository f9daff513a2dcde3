"""Redirecting descriptors 1 and 2 to a helper, which passes on to where they led before."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._output._channel import Channel, lifted
from tacenda.masking._output._launch import launch
from tacenda.masking._output._pump import Route

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["Redirection", "identity", "redirect"]

_STANDARD = (1, 2)
_PIPE = 1 << 18
"""Size of a pipe. Larger than usual, so that writer and helper take turns less often. Bytes."""


class Redirection(NamedTuple):
    """Descriptors that are redirected, and the helper that they lead to."""

    process: int
    channel: Channel
    streams: list[tuple[tuple[int, ...], tuple[int, int]]]
    """For each stream: its descriptors, and the identity of the pipe or terminal that they lead to now."""
    real_stderr: int | None
    """Where descriptor 2 led before, for one message if the helper dies; None if it is closed."""


class _Stream(NamedTuple):
    """Descriptors that lead to one place: they share one pipe, so that the order of what is written stays."""

    descriptors: tuple[int, ...]
    real: int
    source: int
    sink: int
    terminal: bool


def redirect(masker: Masker) -> Redirection | None:
    """Start a helper and redirect the standard descriptors to it; return None if both are closed.

    Raises:
        OSError: if it does not start; then nothing is redirected.
    """
    places = _places()
    if not places:
        return None
    with ExitStack() as opened:
        streams = [_open(descriptors, opened) for descriptors in places]
        ours, theirs = (lifted(end.detach()) for end in socket.socketpair())
        opened.callback(os.close, ours)
        opened.callback(os.close, theirs)
        group = os.getpgrp()
        routes = [Route(stream.source, stream.real, group if stream.terminal else 0) for stream in streams]
        process = launch(theirs, routes, masker)
        channel = Channel(socket.socket(fileno=lifted(ours, close=False)))
        real_stderr = None
        for stream in streams:
            for descriptor in stream.descriptors:
                os.dup2(stream.sink, descriptor)
            if 2 in stream.descriptors:  # noqa: PLR2004 - stderr
                real_stderr = lifted(stream.real, close=False)
        redirected = [(stream.descriptors, identity(stream.sink)) for stream in streams]
        return Redirection(process, channel, redirected, real_stderr)


def identity(descriptor: int) -> tuple[int, int]:
    """Return the identity of the file that a descriptor leads to: device and inode."""
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


def _places() -> list[tuple[int, ...]]:
    """Return the standard descriptors that are open, grouped by the place that they lead to."""
    places: dict[tuple[int, int], tuple[int, ...]] = {}
    for descriptor in _STANDARD:
        with suppress(OSError):
            place = identity(descriptor)
            places[place] = (*places.get(place, ()), descriptor)
    return list(places.values())


def _open(descriptors: tuple[int, ...], opened: ExitStack) -> _Stream:
    first = descriptors[0]
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
    return _Stream(descriptors, real, source, sink, terminal)
