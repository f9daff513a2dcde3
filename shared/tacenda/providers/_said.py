"""What a server said, as messages and errors take it."""

from __future__ import annotations

__all__ = ["one_line", "seconds"]


def one_line(text: object, longest: int = 300) -> str:
    r"""Return the beginning of what a server said, as one line.

    Args:
        text: its words; None for none.
        longest: how many characters of them to keep.

    Example:
        >>> one_line(" permission\r\n denied ")
        'permission denied'
    """
    return " ".join(str(text or "").split())[:longest]


def seconds(after: str | None) -> float | None:
    """Return the wait that a `Retry-After` asks for, in seconds; None if there is none, or a date.

    Example:
        >>> seconds("7"), seconds("Wed, 21 Oct 2015 07:28:00 GMT")
        (7.0, None)
    """
    return float(after) if after and after.isdecimal() else None
