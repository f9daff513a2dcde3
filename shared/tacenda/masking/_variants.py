"""The forms in which a value shows up in output."""

from __future__ import annotations

__all__ = ["variants"]


def variants(value: bytes, min_length: int) -> set[bytes]:
    """Return the byte strings that stand for a value in output, itself among them.

    Args:
        value: what was registered; text in UTF-8.
        min_length: shorter forms are left out. Bytes.
    """
    return {form for form in (value,) if len(form) >= min_length}
