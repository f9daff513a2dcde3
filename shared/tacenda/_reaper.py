"""The process that removes a directory once the processes that use it have ended, however they ended.

It is told the directory through a pipe, so that no command line or environment names it, and waits for the end of
that pipe: this process and all that are forked from it hold it open, and the system closes it for those that are
killed. It has a session of its own and is no child of theirs, so that it does not end with them.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

__all__ = ["main", "watch"]

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Appended, so that no module installed beside tacenda can shadow one of the standard library.
_PROGRAM = f"import sys; sys.path.append({_ROOT!r}); from tacenda import _reaper; _reaper.main()"
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
"""The variables that it inherits: some interpreters do not start without them."""
_IGNORED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGTSTP")
_PATIENCE = 60.0
"""How long it may take to start. Seconds."""
_READY = b"1"
_ABOVE_STANDARD = 3


def watch(directory: str) -> int:
    """Have a directory removed when this process, and all that are forked from it from now on, have ended.

    Args:
        directory: its absolute path.

    Returns:
        The descriptor that stands for being alive. Whoever closes it has ended.

    Raises:
        OSError: if no such process can be started; the message says why.
    """
    import fcntl
    import subprocess

    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("there is no Python interpreter to start it with")
    with ExitStack() as opened:
        reading, writing = os.pipe()
        opened.callback(os.close, reading)
        opened.callback(os.close, writing)
        # Not 0, 1 or 2, even if the program has closed those: what it prints would end up here.
        alive: int = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD)
        with ExitStack() as failed:
            failed.callback(os.close, alive)
            os.write(alive, os.fsencode(directory) + b"\0")
            process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-I", "-S", "-c", _PROGRAM],
                stdin=reading,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in _LOADER if name in os.environ},
                start_new_session=True,
            )
            _wait_until_ready(process)
            failed.pop_all()
    return alive


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    import subprocess

    try:
        told, complaint = process.communicate(timeout=_PATIENCE)  # ends when it closes them
    except BaseException as error:
        process.kill()
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise OSError(f"{sys.executable} was not ready after {_PATIENCE:.0f} s") from None
        raise
    if told != _READY:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise OSError(f"{sys.executable}: {last or f'ended with code {process.returncode}'}")


def main() -> None:
    """Be that process; does not return."""
    if os.fork():
        os._exit(0)
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.chdir("/")  # do not keep a file system busy
    directory = _told()
    with suppress(OSError):  # whoever started this is gone already
        os.write(1, _READY)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (1, 2):
        os.dup2(nowhere, standard)
    while os.read(0, 1 << 12):
        pass  # nobody writes any more, or only by mistake
    if directory:
        import shutil

        shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def _told() -> bytes:
    """Return the directory; nothing if whoever started this was killed before it could say."""
    told = b""
    while not told.endswith(b"\0"):
        part = os.read(0, 1)
        if not part:
            return b""
        told += part
    return told[:-1]
