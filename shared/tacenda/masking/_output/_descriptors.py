"""Masking what a process and its children write to descriptors 1 and 2, through a helper process.

A thread of our own would lose what is in the pipe when the process is killed, and stall while C code holds the
interpreter; a wrapped `sys.stdout` sees no subprocess, no `os.write` and no C library (see `_helper`).
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
    from tacenda.masking._output._between import Between

__all__ = ["MaskedDescriptors"]

_START_AGAIN = "start the program again; if memory is short the system may have killed the helper"


class MaskedDescriptors:
    """Follows a masker: starts the helper with the first value, and hands it every value after that.

    A forked child registers with its parent's helper, or starts one of its own if there is none yet.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._between: Between | None = None
        self._last_word: int | None = None
        self.gone = False
        """Whether the helper was found dead: what was written since then has not arrived."""

    def add(self, value: bytes, name: str) -> None:
        """Have a value masked before it can be written.

        Raises:
            SecretLeak: if the helper does not start, or has ended.
        """
        failure, hint = self._start(), f"make sure that {sys.executable} can be started here"
        if failure is None:
            failure, hint = self._ask(ADD, value), _START_AGAIN
        del value  # an error keeps the frames that it passed
        if failure:
            raise SecretLeak(f"cannot mask {name}, so it is not handed out: {failure}", name=name, hint=hint)

    def remove(self, value: bytes) -> None:
        """Have a value masked no longer."""
        self._ask(REMOVE, value)

    def drain(self) -> None:
        """Return when everything that was written so far has arrived, or cannot any more."""
        self._ask(DRAIN)

    def restore(self) -> None:
        """Put descriptors 1 and 2 back where they led, and leave the helper to end."""
        if self._between is None:
            return
        from tacenda.masking._output._between import identity

        self.drain()
        channel, streams = self._between.channel, self._between.streams
        with suppress(OSError, EOFError):  # without the helper nothing gets out any more, which is what it is for
            for target, (descriptors, ours) in zip(channel.targets(len(streams)), streams, strict=True):
                for descriptor in descriptors:
                    with suppress(OSError):  # somebody may have closed it since, or redirected it
                        if identity(descriptor) == ours:
                            os.dup2(target, descriptor)
                os.close(target)
        channel.close()
        self._between = None
        self._close_last_word()

    def after_fork(self) -> None:
        """In a child: use none of the parent's connections, and do not hold its terminal or pipe open."""
        if self._between:
            self._between.channel.forget()
            self._close_last_word()

    def _start(self) -> str | None:
        """Start the helper if there is none; return why that failed."""
        if self._between:
            return None
        from tacenda.masking._output._between import put_between

        try:
            self._between = put_between(self._masker)
        except OSError as error:
            return f"the masking helper does not start: {error}"
        if self._between:
            self._last_word = self._between.last_word
        return None

    def _ask(self, kind: bytes, payload: bytes = b"") -> str | None:
        """Return why the helper did not do it; None if it did, or if there is none and nothing to mask for."""
        if self._between is None:
            return None
        helper = f"the masking helper (process {self._between.process})"
        try:
            if self._between.channel.request(kind, payload):
                return None
        except (OSError, EOFError) as error:
            why = f"{helper} is gone" + (f": {error}" if str(error) else "")
            self._tell(why)
            return why
        return f"{helper} could not take it"

    def _tell(self, why: str) -> None:
        """Say once why output ends: what is written to descriptors 1 and 2 goes nowhere now."""
        if not self.gone and self._last_word is not None:
            text = f"tacenda: {why}; output is cut off here, because it could hold secrets\n  next: {_START_AGAIN}\n"
            with suppress(OSError):
                os.write(self._last_word, text.encode())
        self.gone = True

    def _close_last_word(self) -> None:
        if self._last_word is not None:
            os.close(self._last_word)
            self._last_word = None
