"""Putting the process-wide masker between this process and its output, and taking it off again."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._registry import MASKING, registry

if TYPE_CHECKING:
    from tacenda.masking._output._descriptors import MaskedDescriptors
    from tacenda.masking._output._streams import MaskedStream

__all__ = ["Level", "Status", "install", "status", "uninstall"]


class Level(NamedTuple):
    """One way in which output is masked."""

    active: bool
    """Whether what can be masked in this way is; there may be nothing to mask."""
    why_not: str | None
    """Why it is not active; None if it is."""


class Status(NamedTuple):
    """What is masked in this process."""

    logging: Level
    """Log records, warnings and the tracebacks of uncaught exceptions."""
    descriptors: Level
    """All that the process and its children write to descriptors 1 and 2, from the first registered value on."""
    streams: Level
    """What Python code writes to a `sys.stdout` or `sys.stderr` that did not lead to descriptors 1 and 2 when `install`
    was called last. It is active when both led there, too, although nothing is wrapped then."""


class _Installation:
    """What `install` has put in place."""

    def __init__(self) -> None:
        self.descriptors: MaskedDescriptors | None = None
        self.streams: list[MaskedStream] = []

    def after_fork(self) -> None:
        for stream in self.streams:
            stream.reset_lock()
        if self.descriptors:
            self.descriptors.after_fork()


class _State:
    installation: _Installation | None = None
    follows_forks = False
    lock = threading.RLock()


def install() -> None:
    """Mask all output of this process and of those it starts: logging, tracebacks, and descriptors 1 and 2.

    With the first registered value a helper process starts, through which descriptors 1 and 2 are led; before that
    nothing is started. Children that run already are not masked. Call it again to mask a `sys.stdout`, a `sys.stderr`
    or a hook that somebody has replaced since, or a descriptor that leads elsewhere since, as the next value does too.
    A file of the program's own that got number 1 or 2 because that was closed is left alone. A full disk shows as a
    broken pipe.

    As process 1 of a container, a program that ends by `os._exit`, a signal or `exec` takes the helper with it, and so
    loses the end of its output: end normally, or use `tacenda run`. A loop of `os.wait()` in process 1 waits for the
    helper, too.

    Raises:
        SecretLeak: if values are registered already and the helper does not start.
    """
    _follow_forks()
    with _State.lock:
        _install()


def uninstall() -> None:
    """Undo `install`, for tests: what was written before arrives masked, what is written afterwards as it is."""
    with _State.lock:
        os.environ.pop(MASKING, None)
        _uninstall()


def status() -> Status:
    """Return what is masked in this process, and why the rest is not."""
    installed = _State.installation is not None
    idle = None if installed else "install() was not called"
    reason = why_no_descriptors()
    if _State.installation and _State.installation.descriptors:
        reason = reason or _State.installation.descriptors.why_not()
    return Status(
        logging=Level(installed, idle),
        descriptors=Level(installed and reason is None, reason or idle),
        streams=Level(installed, idle),
    )


def why_no_descriptors() -> str | None:
    """Return why descriptors 1 and 2 cannot be masked here; None if they can."""
    if not hasattr(os, "fork") or not hasattr(os, "openpty"):
        return f"{sys.platform} has neither fork nor pseudo-terminals; what subprocesses write is not masked"
    if not sys.executable or getattr(sys, "frozen", False):
        return "there is no Python interpreter to start the helper with; what subprocesses write is not masked"
    return None


def _install() -> None:
    import atexit

    from tacenda.masking import _records

    _records.attach(registry())
    installation = _State.installation
    if installation is None:
        installation = _State.installation = _Installation()
        atexit.register(_finish)
    _mask_streams(installation)
    if why_no_descriptors() is None:
        _mask_descriptors(installation)
    os.environ[MASKING] = "1"


def _uninstall() -> None:
    import atexit

    from tacenda.masking import _records

    installation, _State.installation = _State.installation, None
    if installation is None:
        return
    atexit.unregister(_finish)
    _flush()
    for stream in reversed(installation.streams):
        stream.restore()
    if installation.descriptors:
        registry().unfollow(installation.descriptors)
        installation.descriptors.restore()
    _records.detach()


def _mask_descriptors(installation: _Installation) -> None:
    if installation.descriptors:
        if installation.descriptors.lead_elsewhere():
            registry().follow(installation.descriptors)
        return
    from tacenda.masking._output._descriptors import MaskedDescriptors

    installation.descriptors = MaskedDescriptors(registry())
    try:
        registry().follow(installation.descriptors)
    except BaseException:
        _uninstall()
        raise


def _mask_streams(installation: _Installation) -> None:
    from tacenda.masking._output._streams import leads_to_descriptor, wrap

    for stream in (sys.stdout, sys.stderr):
        if why_no_descriptors() or not leads_to_descriptor(stream):
            installation.streams += wrap(stream, registry())


def _follow_forks() -> None:
    if not _State.follows_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
        _State.follows_forks = True


def _after_fork() -> None:
    _State.lock = threading.RLock()  # another thread may have held it
    if _State.installation:
        _State.installation.after_fork()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, or nobody reads: Python itself says so at its end
            stream.flush()


def _finish() -> None:
    """At exit: wait until everything has arrived, as a process without a helper does."""
    installation = _State.installation
    if installation is None:
        return
    _flush()
    if installation.descriptors:
        installation.descriptors.drain()
        if installation.descriptors.gone:
            sys.stdout = _Lost()  # Python's last flush fails: the exit code is 120, not 0


class _Lost:
    """A stream that cannot be flushed: the only way for a process to end with an error from within `atexit`."""

    closed = False

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        raise BrokenPipeError("the masking helper is gone, and output with it")
