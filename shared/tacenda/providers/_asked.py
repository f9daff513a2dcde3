"""What a call to a backend was about, and the errors that read alike whichever backend it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tacenda._errors import BackendUnavailable, SecretError

if TYPE_CHECKING:
    from typing import Protocol

    class _Call(Protocol):
        """An `Asked`, or a backend's own that knows more."""

        @property
        def server(self) -> str: ...
        @property
        def verb(self) -> str: ...
        @property
        def what(self) -> str: ...


__all__ = ["BUSY_FOR", "UNREACHABLE_FOR", "Asked", "busy", "strange", "unanswered"]

BUSY_FOR = 180.0
"""How long a repetition is worth it where a server is there and asks for time, in seconds."""
UNREACHABLE_FOR = 10.0
"""The same where nobody answers, in seconds."""


class Asked(NamedTuple):
    """What a call was about, for messages: `<server> cannot <verb> <what>`.

    Attributes:
        server: the server as `describe` names it.
        verb: what was to be done, such as `read`.
        what: the secret's reference, or the login.
        hint: the backend's own checking command.
    """

    server: str
    verb: str
    what: str
    hint: str | None = None


def busy(
    kind: type[SecretError], why: str, asked: _Call, *, hint: str, retry_after: float | None = None
) -> SecretError:
    """Return the error for a server that is there and asks for time.

    Args:
        kind: `Throttled` or `BackendUnavailable`.
        why: what is said of the server, such as `refuses: too many requests`.
        asked: what the call was about.
        hint: what to do.
        retry_after: the wait that it asked for, in seconds.
    """
    message = f"{asked.server} {why}; cannot {asked.verb} {asked.what}"
    return kind(message, hint=hint, retry_for=BUSY_FOR, retry_after=retry_after)


def unanswered(why: str, asked: _Call, *, hint: str) -> BackendUnavailable:
    """Return the error for a request that got no answer: refused, unknown host, TLS, time-out."""
    message = f"{asked.server} cannot be reached to {asked.verb} {asked.what}: {why}"
    return BackendUnavailable(message, hint=hint, retry_for=UNREACHABLE_FOR)


def strange(service: str, asked: _Call, *, hint: str, said: str = "") -> BackendUnavailable:
    """Return the error for an answer that a service does not give: something else listens there, such as a proxy."""
    message = f"{asked.server} did not answer like {service} to {asked.verb} {asked.what}"
    return BackendUnavailable(message + (said and f": {said}"), hint=hint)
