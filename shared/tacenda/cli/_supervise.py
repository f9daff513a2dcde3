"""Running a command as a child and ending as it ends, for `tacenda run`: its last words arrive before.

The masking helper carries what a command wrote after the command has ended, and a caller does not wait for that:
this process does, in the command's place. Both are in one process group, so that what is typed on a terminal reaches
the command without us; every other signal is passed on.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tacenda.cli._exit import shell_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["IGNORED_BY_PYTHON", "supervise"]

IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""A program would inherit that: `tacenda run … -- yes | head` would never end well."""
_OF_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
_OF_TERMINALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH}
"""A terminal sends these, and it sends them to every process of a group."""
_WATCHED = signal.valid_signals() - IGNORED_BY_PYTHON - _OF_FAULTS - {signal.SIGKILL, signal.SIGSTOP}
_FROM_KERNEL = 0x80
"""What Linux says of a signal that no process has sent: SI_KERNEL of sigaction(2)."""
_LOOK = 1.0
"""If another thread takes a signal, it is acted on after so long. Seconds."""


def supervise(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, wait until all that it printed has arrived, and end as it ended.

    A command that was killed ends this process by the same signal, so that its caller sees what it would have seen.

    Args:
        command: its name, which is looked for on PATH, and its arguments.
        environment: its whole environment.

    Returns:
        The command's exit code; as process 1, which no signal can end, 128 and the number of the signal.

    Raises:
        OSError: if it cannot be started.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it is ignored, nobody learns how a child ended
        child = os.posix_spawnp(command[0], list(command), environment, setsigmask=mask, setsigdef=IGNORED_BY_PYTHON)
        _let_go_of_streams()
        code = _outcome(child)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if code < 0:
        _end_by(-code)
    return shell_code(code)


def _let_go_of_streams() -> None:
    """Leave the standard streams to the command: who reads them learns when it closes them."""
    with suppress(OSError):  # there is no such device
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)


def _outcome(child: int) -> int:
    """Pass signals on to a child until it has ended; return its exit code, or the negative number of its signal."""

    def pass_on(number: int, frame: object = None) -> None:
        if number != signal.SIGCHLD:
            with suppress(PermissionError):  # it has become another user's
                os.kill(child, number)

    # After the start of the child, which inherits what is ignored, as under nohup. Most signals never get as far as
    # to their handler: but no thread that takes one ends this process.
    handlers = {number: signal.signal(number, pass_on) for number in _WATCHED}
    while (code := _ended(child)) is None:
        number, everybodys = _next_signal(child)
        if number and not everybodys:
            pass_on(number)
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_IGN)  # which drops what is pending: it was meant for the command
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # a reader who does not read is waited for until somebody objects
    return code


def _ended(child: int) -> int | None:
    """Look after all children, since process 1 inherits some; return how this one ended, None if it has not."""
    while True:
        process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if not process:
            return None
        if process != child:
            continue
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        _stop_by(os.WSTOPSIG(status))


def _next_signal(child: int) -> tuple[int, bool]:
    """Wait for a signal; return its number, 0 after a while without one, and whether the command has got it too."""
    if sys.platform == "linux":
        about = signal.sigtimedwait(_WATCHED, _LOOK)
        if about is None:
            return 0, False
        typed = about.si_signo in _OF_TERMINALS and about.si_code == _FROM_KERNEL
        return about.si_signo, typed or about.si_pid == child  # a script's `kill 0` is for its group
    number = signal.sigwait(_WATCHED)
    return number, number in _OF_TERMINALS and _in_foreground()


def _in_foreground() -> bool:
    """Return whether what is typed on the terminal reaches this process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:  # there is none
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _stop_by(number: int) -> None:
    """Stop as the command has stopped, until somebody continues us; the SIGCONT is passed on like any other."""
    os.kill(os.getpid(), number)  # waits while it is blocked, and becomes one with what a terminal has sent
    if number == signal.SIGSTOP:
        return
    handler = signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    signal.signal(number, handler)


def _end_by(number: int) -> None:
    """End by a signal after everything has arrived, without a core: ours would hold values."""
    from tacenda.masking import uninstall

    uninstall()
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    # Of limits that allow none, Linux heeds only 1 where a program such as systemd-coredump takes the cores.
    resource.setrlimit(resource.RLIMIT_CORE, (1 if most else 0, most))
    with suppress(OSError):  # SIGKILL
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
