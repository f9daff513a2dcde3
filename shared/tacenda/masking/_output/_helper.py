"""The helper process: it reads what the processes of a job write, masks it and passes it on.

It outlives those processes, because what is in a pipe when one is killed must still arrive. It ends when nobody is
left who could write or register. It has a session of its own and is no child of the process that started it, so that
it is not ended with output in flight by Ctrl-C, or by whatever ends a job or all children of a process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tacenda.masking._engine import Masker
from tacenda.masking._output._pump import Pump, Route
from tacenda.masking._output._wire import ADD, DONE, DRAIN, FAILED, REMOVE, TARGETS, receive
from tacenda.masking._policy import why_not_masked

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP)
_SWITCH = 0.0005
"""A thread that masks lets one that registers run after about this time. Seconds."""


def main(token: str, min_length: str, numpy: str, control: str, *routes: str) -> None:
    """Run the helper; does not return. The arguments are those of its command line.

    Args:
        token: what stands in for a value.
        min_length: see `Masker`.
        numpy: the directory that holds numpy, or "".
        control: the descriptor of the socket over which connections come.
        routes: for each stream the three numbers of its `Route`, with commas in between.
    """
    if os.fork():
        os._exit(0)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # do not keep a file system busy
    sys.setswitchinterval(_SWITCH)
    masker = Masker(token, int(min_length))
    pumps = [Pump(_route(numbers), masker, numpy) for numbers in routes]
    for pump in pumps:
        pump.start()
    _say_ready()
    _serve(socket.socket(fileno=_low(int(control))), masker, pumps)
    for pump in pumps:
        pump.join()
    os._exit(0)


def _route(numbers: str) -> Route:
    source, target, group = map(int, numbers.split(","))
    return Route(_low(source), _low(target), group)


def _low(descriptor: int) -> int:
    """Move a descriptor to the lowest free number: `select` takes none above 1023."""
    low = os.dup(descriptor)
    os.close(descriptor)
    return low


def _say_ready() -> None:
    os.write(1, b"%d" % os.getpid())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def _serve(control: socket.socket, masker: Masker, pumps: Sequence[Pump]) -> None:
    """Answer every connection that comes over the control socket, until nobody holds its other end."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            threading.Thread(target=_answer, args=(connection, masker, pumps), daemon=True).start()


def _answer(connection: socket.socket, masker: Masker, pumps: Sequence[Pump]) -> None:
    with connection, suppress(OSError, EOFError):
        connection.sendall(DONE)
        while True:
            kind, payload = receive(connection)
            if kind == TARGETS:
                socket.send_fds(connection, [DONE], [pump.target for pump in pumps])
            else:
                connection.sendall(_do(kind, payload, masker, pumps))


def _do(kind: bytes, payload: bytes, masker: Masker, pumps: Sequence[Pump]) -> bytes:
    try:
        if kind == ADD:
            if why_not_masked(payload, masker.min_length):
                return FAILED
            masker.add(payload)
        elif kind == REMOVE:
            masker.remove(payload)
        elif kind == DRAIN:
            for pump in pumps:
                pump.drain()
    except Exception:  # noqa: BLE001 - a value that is not masked must not be handed out, whatever the reason
        return FAILED
    return DONE
