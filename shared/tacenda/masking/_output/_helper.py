"""The helper process: it reads what the processes of a job write, masks it and passes it on.

It outlives those processes, because what is in a pipe when one is killed must still arrive. It ends when nobody is
left who could write or register. It has a session of its own and is no child of the process that started it, so that
it is not ended with output in flight by Ctrl-C, or by whatever ends a job or all children of a process.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
from contextlib import suppress

from tacenda.masking._engine import Masker
from tacenda.masking._output._pump import Pump, Route
from tacenda.masking._output._wire import ADD, DONE, DRAIN, FAILED, REMOVE, ROUTE, TARGET, receive
from tacenda.masking._policy import why_not_masked

__all__ = ["main"]

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP)
_SWITCH = 0.0005
"""A thread that masks lets one that registers run after about this time. Seconds."""
_MOST = 512
"""Most requests at once; each has a connection and a thread."""
_LAST = 10.0
"""So long the end of one stream waits until the others' output has arrived. Seconds."""
_OTHERS = 32
"""So many descriptors are left for all else."""


def main(token: str, min_length: str, numpy: str, control: str) -> None:
    """Run the helper; does not return. The arguments are those of its command line.

    Args:
        token: what stands in for a value.
        min_length: see `Masker`.
        numpy: the directory that holds numpy, or "".
        control: the descriptor of the socket over which connections come.
    """
    if os.fork():
        os._exit(0)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # do not keep a file system busy
    sys.setswitchinterval(_SWITCH)
    helper = _Helper(Masker(token, int(min_length)), numpy, socket.socket(fileno=int(control)))
    _say_ready()
    helper.serve()
    os._exit(0)


def _connections() -> int:
    """Return how many requests are answered at once; more wait, because a descriptor too many would be lost."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return _MOST if soft == resource.RLIM_INFINITY else max(1, min(_MOST, soft - _OTHERS))


def _say_ready() -> None:
    os.write(1, b"%d" % os.getpid())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


class _Helper:
    """Answers requests and carries output.

    Args:
        masker: what masks.
        numpy: see `Pump`.
        control: the socket over which connections come.
    """

    def __init__(self, masker: Masker, numpy: str, control: socket.socket) -> None:
        self._masker = masker
        self._numpy = numpy
        self._control = control
        self._pumps: dict[bytes, Pump] = {}
        self._lock = threading.Lock()
        self._threads = self._idle = 1
        self._most = _connections()

    def serve(self) -> None:
        """Answer until nobody holds the other end of the control socket and nobody can write any more."""
        self._work()
        for pump in list(self._pumps.values()):
            pump.join()

    def _work(self) -> None:
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, 1, 3)
            if not data:
                return
            self._hire()
            if descriptors:  # a system that is out of descriptors drops them
                self._answer(*descriptors)
            with self._lock:
                self._idle += 1

    def _hire(self) -> None:
        """Before going to work, see to it that another thread waits for the next request."""
        with self._lock:
            self._idle -= 1
            if self._idle or self._threads >= self._most:
                return
            with suppress(RuntimeError):  # no more threads: the next request waits
                threading.Thread(target=self._work, daemon=True).start()
                self._threads += 1
                self._idle += 1

    def _answer(self, connection: int, *carried: int) -> None:
        with socket.socket(fileno=connection) as asker, suppress(OSError, EOFError):
            kind, payload = receive(asker)
            try:
                self._do(asker, kind, payload, carried)
            except Exception:  # noqa: BLE001 - a value that is not masked must not be handed out, whatever the reason
                asker.sendall(FAILED)
            else:
                asker.sendall(DONE)
        for descriptor in carried:
            os.close(descriptor)

    def _do(self, asker: socket.socket, kind: bytes, payload: bytes, carried: tuple[int, ...]) -> None:
        if kind == ADD:
            if reason := why_not_masked(payload, self._masker.min_length):
                raise ValueError(reason)
            self._masker.add(payload)
        elif kind == REMOVE:
            self._drain()
            self._masker.remove(payload)
        elif kind == DRAIN:
            self._drain()
        elif kind == ROUTE:
            self._carry(payload, *map(os.dup, carried))
        elif kind == TARGET:
            target = self._pumps[payload].target()
            socket.send_fds(asker, [DONE], [target])
            os.close(target)

    def _drain(self) -> None:
        for pump in list(self._pumps.values()):
            pump.drain()

    def _let_the_others_arrive(self) -> None:
        # A process that is killed closes all its output at once, and some readers, Metaflow among them, take the end of
        # one stream for the end of the process.
        for pump in list(self._pumps.values()):
            pump.drain(_LAST)

    def _carry(self, payload: bytes, source: int, target: int) -> None:
        name, group = payload.split()
        pump = Pump(Route(source, target, int(group)), self._masker, self._numpy, self._let_the_others_arrive)
        pump.start()
        for ended in [known for known, other in list(self._pumps.items()) if other.left]:
            self._pumps.pop(ended, None)
        self._pumps[name] = pump
