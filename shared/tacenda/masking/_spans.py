"""Runs of bytes in a buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Span", "union"]

Span = tuple[int, int]
"""Where a run starts and ends in a buffer, in bytes."""


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the runs that spans cover together, in order; those that touch are one.

    Example:
        >>> union([(4, 6), (0, 2), (1, 4), (8, 9)])
        [(0, 6), (8, 9)]
    """
    runs: list[Span] = []
    begin = end = -1
    for start, stop in sorted(spans):
        if start > end:
            runs.append((begin, end))
            begin, end = start, stop
        elif stop > end:
            end = stop
    return [*runs[1:], (begin, end)] if runs else runs
