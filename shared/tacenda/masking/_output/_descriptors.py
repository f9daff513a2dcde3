"""Masking what a process and its children write to descriptors 1 and 2, through a helper process.

A wrapped `sys.stdout` would miss subprocesses, `os.write` and C libraries. A thread that reads from a pipe would lose
what is in it when the process is killed, and stall while C code holds the interpreter.
"""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, NamedTuple

from tacenda._errors import SecretLeak
from tacenda.masking._output._wire import ADD, DRAIN, PATIENCE, REMOVE

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker
    from tacenda.masking._output._redirect import Redirection

__all__ = ["MaskedDescriptors"]

_START_AGAIN = "start the program again; if memory is short the system may have killed the helper"
_NEXT = {
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), or close some",
    errno.ENFILE: "raise the system's limit of open files, or close some",
    errno.ENOMEM: "free some memory",
    errno.EAGAIN: "raise the limit of processes (`ulimit -u`), or end some",
    errno.EBADF: "leave open what others have opened, or call `uninstall()` and `install()` after closing it",
    errno.ETIMEDOUT: "try again when the machine is less busy",
}
_REMOVING = 1.0
"""How long `remove` waits for a slow reader; the helper goes on by itself then. Seconds."""


class _Failure(NamedTuple):
    why: str
    hint: str


def _hint(error: Exception) -> str:
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else getattr(error, "errno", None)
    return _NEXT.get(number or 0, f"make sure that {sys.executable} can be started here")


class MaskedDescriptors:
    """A follower of a masker that starts the helper with the first value and passes every value on to it.

    A forked child uses its parent's helper; if there is none yet, it starts its own.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._redirection: Redirection | None = None
        self._inherited: frozenset[bytes] = frozenset()
        self.gone = False
        """Whether the helper was found dead. What was written after its death is lost."""

    def add(self, value: bytes, name: str) -> None:
        """Have a value masked before it can be written, wherever descriptors 1 and 2 lead now.

        Raises:
            SecretLeak: if the helper does not start, cannot be asked, or has ended.
        """
        failure = self._cover()
        if failure is None and value not in self._masker.values():  # the helper was told those when it started
            failure = self._ask(ADD, value)
        del value  # the traceback of the error keeps this frame
        if failure:
            message = f"cannot mask {name}, so it is not handed out: {failure.why}"
            raise SecretLeak(message, name=name, hint=failure.hint)

    def remove(self, value: bytes) -> None:
        """Have a value masked no longer, once what was written before has arrived."""
        if value not in self._inherited:
            self._ask(REMOVE, value, _REMOVING)

    def drain(self) -> None:
        """Wait until everything that was written so far has arrived, or the helper is gone."""
        self._ask(DRAIN, patience=None)

    def lead_elsewhere(self) -> bool:
        """Return whether descriptors 1 and 2 lead where values could be written unmasked."""
        if not len(self._masker):
            return False
        if self._redirection:
            return bool(self._redirection.elsewhere())
        from tacenda.masking._output._redirect import places

        return bool(places())

    def restore(self) -> None:
        """Lead descriptors 1 and 2 back to where they led before, and let the helper end."""
        if self._redirection:
            self.drain()
            self._redirection.restore()
            self._redirection = None

    def after_fork(self) -> None:
        """In a forked child: values until now are the parent's to remove; do not keep its real stderr open."""
        if self._redirection:
            self._inherited = frozenset(self._masker.values())
            self._redirection.forget_stderr()

    def why_not(self) -> str | None:
        """Return why what is written is not masked, or no more values can be; None if all is well."""
        if self._redirection is None:
            return None
        if self.gone:
            return "the masking helper is gone"
        if not self._redirection.channel.is_there():
            return "this program has closed its connection to the masking helper"
        if self.lead_elsewhere():
            return "descriptor 1 or 2 was redirected since; the next value masks it, and so does install()"
        return None

    def _cover(self) -> _Failure | None:
        """Start the helper if there is none, and lead descriptors 1 and 2 to it; return why that failed."""
        try:
            if self._redirection:
                self._redirection.cover()
                return None
            from tacenda.masking._output._redirect import start

            self._redirection = start(self._masker)
        except Exception as error:  # noqa: BLE001 - whatever it is: what is not masked is not handed out
            if self._redirection:
                return self._explained(error)
            why = str(error) or "it has ended at once"
            return _Failure(f"the masking helper does not start: {why}", _hint(error))
        return None

    def _ask(self, kind: bytes, payload: bytes = b"", patience: float | None = PATIENCE) -> _Failure | None:
        """Ask the helper for something; return why it failed, None if it did not or if there is no helper."""
        if self._redirection is None:
            return None
        try:
            if self._redirection.channel.request(kind, payload, patience=patience):
                return None
        except (OSError, EOFError) as error:
            return self._explained(error)
        return _Failure(f"the masking helper (process {self._redirection.process}) could not register it", _START_AGAIN)

    def _explained(self, error: Exception) -> _Failure:
        """Tell a helper that is gone from one that could not be asked."""
        helper = f"the masking helper (process {self._redirection.process})" if self._redirection else ""
        if isinstance(error, EOFError):
            self._tell_gone(f"{helper} is gone")
            return _Failure(f"{helper} is gone", _START_AGAIN)
        if getattr(error, "errno", None) == errno.EBADF:
            return _Failure(f"this program has closed its connection to {helper}", _hint(error))
        return _Failure(f"{helper} cannot be asked: {error}", _hint(error))

    def _tell_gone(self, why: str) -> None:
        """Say once, on the real stderr, why output ends: nobody reads descriptors 1 and 2 any more."""
        if not self.gone and self._redirection:
            self._redirection.tell(
                f"tacenda: {why}; output is cut off here, because it could hold secrets\n  next: {_START_AGAIN}\n"
            )
        self.gone = True
