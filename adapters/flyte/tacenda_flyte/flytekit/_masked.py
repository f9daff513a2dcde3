"""Masking messages of flytekit's that quote a value."""

from __future__ import annotations

import re
from typing import Any

from tacenda._adapters import masked_text

__all__ = ["explained"]

# As in "Expected value of type <class 'str'> but got '...' of type <class 'tacenda._values.Secret'>".
_QUOTED_SECRET = re.compile(r"(?s)(?<=got )'.*' of type (?=<class 'tacenda\._values\.(?:Secret\w*|_SecretList)'>)")
_HINT = (
    "\n  next: a secret is no plain value to flytekit: read it in the task that needs it, or if its value shall be "
    "stored with the workflow's data, give tacenda.reveal(value)"
)


def explained(message: Any) -> Any:
    """Return the message of an error about types without the value; about a secret's type, with what to do."""
    if not isinstance(message, str):
        return message
    scrubbed, secrets = _QUOTED_SECRET.subn("'[masked]' of type ", masked_text(message))
    return scrubbed + _HINT if secrets and _HINT not in scrubbed else scrubbed
