"""Putting the helper between descriptors 1 and 2 and where they lead."""

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

__all__ = ["Between", "identity", "put_between"]

_STANDARD = (1, 2)
_PIPE = 1 << 18
"""A larger pipe than the usual one: fewer switches between the writer and the helper. Bytes."""


class Between(NamedTuple):
    """A helper that stands between."""

    process: int
    channel: Channel
    streams: list[tuple[tuple[int, ...], tuple[int, int]]]
    """Which descriptors lead to it, stream by stream, and the identity of the file that they lead to."""
    last_word: int | None
    """The real stderr, for one message if the helper dies; None if descriptor 2 is closed."""


class _Stream(NamedTuple):
    """Descriptors that lead to one place share one pipe, which keeps the order between them."""

    descriptors: tuple[int, ...]
    real: int
    source: int
    sink: int
    terminal: bool


def put_between(masker: Masker) -> Between | None:
    """Start a helper and lead the standard descriptors to it; return None if all of them are closed.

    Raises:
        OSError: if it does not start; the descriptors lead where they led before.
    """
    places = _places()
    if not places:
        return None
    with ExitStack() as opened:
        streams = [_open(descriptors, opened) for descriptors in places]
        near, far = (lifted(end.detach()) for end in socket.socketpair())
        door = opened.enter_context(socket.socket(fileno=near))
        opened.callback(os.close, far)
        group = os.getpgrp()
        routes = [Route(stream.source, stream.real, group if stream.terminal else 0) for stream in streams]
        process = launch(far, routes, masker)
        last_word = None
        for stream in streams:
            for descriptor in stream.descriptors:
                os.dup2(stream.sink, descriptor)
            if 2 in stream.descriptors:  # noqa: PLR2004 - stderr
                last_word = lifted(stream.real, close=False)
        led = [(stream.descriptors, identity(stream.sink)) for stream in streams]
        return Between(process, Channel(socket.socket(fileno=lifted(door.fileno(), close=False))), led, last_word)


def identity(descriptor: int) -> tuple[int, int]:
    """Return what two descriptors have in common if they lead to one place."""
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


def _places() -> list[tuple[int, ...]]:
    """Return the standard descriptors that are open, those that lead to one place together."""
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
        with suppress(AttributeError, OSError):  # Linux only, and within what a user may have
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)
    real, source, sink = lifted(first, close=False), *map(lifted, ends)
    for descriptor in (real, source, sink):
        opened.callback(os.close, descriptor)
    return _Stream(descriptors, real, source, sink, terminal)
