"""What a process says to its masking helper over a socket: a kind, a length, a payload; the answer is one byte."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

__all__ = ["ADD", "DONE", "DRAIN", "FAILED", "PATIENCE", "REMOVE", "ROUTE", "TARGET", "exactly", "message", "receive"]

ADD = b"a"
"""Mask the value in the payload from now on."""
REMOVE = b"r"
"""Mask it no longer, after a drain."""
DRAIN = b"d"
"""Answer when everything that was written before has arrived."""
ROUTE = b"o"
"""Carry output from one descriptor to another; both come along. The payload: the route's name and process group."""
TARGET = b"t"
"""Send the descriptor that the output of the route in the payload goes to in the end; the answer carries it."""
DONE = b"+"
FAILED = b"-"
PATIENCE = 60.0
"""A helper that has not answered after this time is taken for busy. Seconds."""

_HEAD = struct.Struct("!cI")


def message(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one request. Values travel in these and nowhere else: not in argv, the environment or a file."""
    return _HEAD.pack(kind, len(payload)) + payload


def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """Wait for one request and return its kind and payload.

    Raises:
        EOFError: when the other side is gone.
    """
    kind, length = _HEAD.unpack(exactly(connection, _HEAD.size))
    return kind, exactly(connection, length)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Wait for so many bytes.

    Raises:
        EOFError: when the other side is gone.
    """
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
