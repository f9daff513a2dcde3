"""What a call to a backend was about, for messages, and how long its failures are worth repeating it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BUSY_FOR", "UNREACHABLE_FOR", "Asked"]

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
