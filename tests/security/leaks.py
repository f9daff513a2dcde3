"""Looking for a value in everything that an exception holds on to."""

from __future__ import annotations

from tacenda.testing._conformance._base import texts_of


def places_of(value: str, error: BaseException) -> list[str]:
    """Return every place of an exception, and of what hangs on it, where a value can be seen: the kit's own search."""
    return [place for place, text in texts_of(error) if value in text]
