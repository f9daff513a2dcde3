"""Why a request got no answer: the words at the bottom of what an SDK raised."""

from __future__ import annotations

__all__ = ["cause"]


def cause(error: BaseException) -> str:
    """Return the operating system's or OpenSSL's own words from the bottom of a chain of exceptions.

    `str` of an SDK's exception will not do: that of `requests` repeats the URL, and others repeat more.
    """
    words, seen = type(error).__name__, set[int]()
    bottom: BaseException | None = error
    while bottom is not None:
        seen.add(id(bottom))
        own = getattr(bottom, "verify_message", None) or getattr(bottom, "strerror", None)
        words = own if isinstance(own, str) else words
        inner = [getattr(bottom, "reason", None), getattr(bottom, "inner_exception", None), *bottom.args]
        causes = [bottom.__cause__, bottom.__context__, *inner]
        bottom = next((each for each in causes if isinstance(each, BaseException) and id(each) not in seen), None)
    return words
