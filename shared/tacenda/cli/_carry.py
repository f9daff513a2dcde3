"""Carrying bytes from a descriptor to a stream, masked: `tacenda mask`, and `tacenda run` where there is no helper."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any

from tacenda.cli._exit import shell_code
from tacenda.masking._stream import HELD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["carry", "run_masked"]

_CHUNK = 1 << 16


def carry(source: int, target: IO[bytes]) -> None:
    """Write to a stream what a descriptor gives, masked with what this process has read, until there is no more.

    On Windows, where pipes cannot be waited for, what may be the beginning of a value waits for what follows it.

    Raises:
        BrokenPipeError: if nobody reads any more.
    """
    from tacenda.masking import registry

    stream = registry().stream()
    while True:
        if stream.pending and not _comes(source):
            _write(target, stream.pause())
        chunk = os.read(source, _CHUNK)
        if not chunk:
            break
        _write(target, stream.write(chunk))
    _write(target, stream.flush())


def run_masked(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command behind two pipes whose other ends this process masks, and return its exit code.

    Raises:
        OSError: if it cannot be started.
    """
    import subprocess
    import threading

    outputs = [subprocess.DEVNULL if stream is None else subprocess.PIPE for stream in (sys.stdout, sys.stderr)]
    with subprocess.Popen(command, env=environment, stdout=outputs[0], stderr=outputs[1]) as process:  # noqa: S603 - the user's own
        pairs = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        threads = [threading.Thread(target=_carry_out, args=pair) for pair in pairs if pair[0]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return shell_code(process.returncode)


def _carry_out(pipe: IO[bytes], stream: Any) -> None:
    try:
        carry(pipe.fileno(), stream.buffer)
    except BrokenPipeError:
        pass  # nobody reads: the command learns it from its own pipe
    finally:
        pipe.close()


def _comes(source: int) -> bool:
    if sys.platform == "win32":
        return True
    import select

    return bool(select.select([source], [], [], HELD)[0])


def _write(target: IO[bytes], data: bytes) -> None:
    target.write(data)
    target.flush()
