"""What the flows of the page call without saying what it is, and how a step tells a test what it saw: no values."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any


def call_api(api_key: str) -> dict[str, Any]:
    """Stand in for the API of the page; its answer repeats no secret."""
    return {"status": "ok", "length": len(api_key)}


def connect_to_db(password: str) -> None:
    """Stand in for the database of the page."""
    assert isinstance(password, str)


def digest(value: Any) -> str:
    """Return by what a value is compared where it must not be shown."""
    content = bytes(value) if isinstance(value, bytes) else json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def tell(step: str, **facts: Any) -> None:
    """Print what a step saw, for `Finished.told`."""
    print(f"FACTS {json.dumps({'step': step, **facts})}")  # noqa: T201


def missing(variable: str) -> bool:
    """Return whether this step has no secrets at all: neither `current.secrets` nor a variable."""
    from metaflow import current

    return not hasattr(current, "secrets") and variable not in os.environ
