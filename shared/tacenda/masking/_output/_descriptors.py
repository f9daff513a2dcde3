"""Masking what a process and its children write to descriptors 1 and 2, through a helper process.

A wrapped `sys.stdout` would miss subprocesses, `os.write` and C libraries. A thread that reads from a pipe would lose
what is in it when the process is killed, and stall while C code holds the interpreter.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tacenda._errors import SecretLeak
from tacenda.masking._output._wire import ADD, DRAIN, REMOVE

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker
    from tacenda.masking._output._redirect import Redirection

__all__ = ["MaskedDescriptors"]

_START_AGAIN = "start the program again; if memory is short the system may have killed the helper"


class MaskedDescriptors:
    """A follower of a masker that starts the helper with the first value and passes every value on to it.

    A forked child uses its parent's helper; if there is none yet, it starts its own.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._redirection: Redirection | None = None
        self._real_stderr: int | None = None
        self.gone = False
        """Whether the helper was found dead. What was written after its death is lost."""

    def add(self, value: bytes, name: str) -> None:
        """Have a value masked before it can be written.

        Raises:
            SecretLeak: if the helper does not start, or has ended.
        """
        failure, hint = self._start(), f"make sure that {sys.executable} can be started here"
        if failure is None:
            failure, hint = self._ask(ADD, value), _START_AGAIN
        del value  # the traceback of the error keeps this frame
        if failure:
            raise SecretLeak(f"cannot mask {name}, so it is not handed out: {failure}", name=name, hint=hint)

    def remove(self, value: bytes) -> None:
        """Have a value masked no longer."""
        self._ask(REMOVE, value)

    def drain(self) -> None:
        """Wait until everything that was written so far has arrived, or the helper is gone."""
        self._ask(DRAIN)

    def restore(self) -> None:
        """Lead descriptors 1 and 2 back to where they led before, and let the helper end."""
        if self._redirection is None:
            return
        from tacenda.masking._output._redirect import identity

        self.drain()
        channel, streams = self._redirection.channel, self._redirection.streams
        with suppress(OSError, EOFError):  # without the helper output stays cut off: it could hold secrets
            for target, (descriptors, ours) in zip(channel.targets(len(streams)), streams, strict=True):
                for descriptor in descriptors:
                    with suppress(OSError):  # somebody may have closed it since, or redirected it
                        if identity(descriptor) == ours:
                            os.dup2(target, descriptor)
                os.close(target)
        channel.close()
        self._redirection = None
        self._close_real_stderr()

    def after_fork(self) -> None:
        """In a forked child: drop the parent's connections, and do not keep its real stderr open."""
        if self._redirection:
            self._redirection.channel.forget()
            self._close_real_stderr()

    def _start(self) -> str | None:
        """Start the helper if there is none; return why that failed."""
        if self._redirection:
            return None
        from tacenda.masking._output._redirect import redirect

        try:
            self._redirection = redirect(self._masker)
        except OSError as error:
            return f"the masking helper does not start: {error}"
        if self._redirection:
            self._real_stderr = self._redirection.real_stderr
        return None

    def _ask(self, kind: bytes, payload: bytes = b"") -> str | None:
        """Ask the helper for something; return why it failed, None if it did not or if there is no helper."""
        if self._redirection is None:
            return None
        helper = f"the masking helper (process {self._redirection.process})"
        try:
            if self._redirection.channel.request(kind, payload):
                return None
        except (OSError, EOFError) as error:
            why = f"{helper} is gone" + (f": {error}" if str(error) else "")
            self._tell(why)
            return why
        return f"{helper} could not register it"

    def _tell(self, why: str) -> None:
        """Say once, on the real stderr, why output ends: nobody reads descriptors 1 and 2 any more."""
        if not self.gone and self._real_stderr is not None:
            text = f"tacenda: {why}; output is cut off here, because it could hold secrets\n  next: {_START_AGAIN}\n"
            with suppress(OSError):
                os.write(self._real_stderr, text.encode())
        self.gone = True

    def _close_real_stderr(self) -> None:
        if self._real_stderr is not None:
            os.close(self._real_stderr)
            self._real_stderr = None
