"""What leaves a run as text: the dashboard's logs, metadata, and notifications."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tacenda._adapters import known_masker, masked_copy

__all__ = ["held_lines", "masked_arguments", "masked_result", "masked_write", "registered"]


def masked_write(original: Callable[..., None]) -> Callable[..., None]:
    """Mask `LogCapture.write`: what a step prints goes to the dashboard and nowhere else."""

    @functools.wraps(original)
    def write(self: Any, text: str) -> None:
        if known_masker() is None:
            original(self, text)
            return
        from tacenda._adapters._captured_text import CapturedText

        original(self, CapturedText.of(self).write(text))

    return write


def held_lines(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Have `LogCapture.get_and_clear` return what the masking held back, too."""

    @functools.wraps(original)
    def get_and_clear(self: Any) -> list[str]:
        self.flush()  # tacenda.masking.install may have wrapped it
        if known_masker() is None:
            return original(self)
        from tacenda._adapters._captured_text import CapturedText

        rest = CapturedText.of(self).release()
        return original(self) + [rest] * bool(rest)

    return get_and_clear


def masked_arguments(original: Callable[..., Any]) -> Callable[..., Any]:
    """Mask all text in the arguments of a function that persists or sends them."""

    @functools.wraps(original)
    def masked(self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *masked_copy(list(args)), **masked_copy(kwargs))

    return masked


def masked_result(original: Callable[..., Any]) -> Callable[..., Any]:
    """Mask what a function returns for a file."""

    @functools.wraps(original)
    def masked(self: Any, *args: Any, **kwargs: Any) -> Any:
        return masked_copy(original(self, *args, **kwargs))

    return masked


def registered(original: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the masker what a provider of FlowyML's own returns."""

    @functools.wraps(original)
    def get(self: Any, *args: Any, **kwargs: Any) -> Any:
        from tacenda._active import READS
        from tacenda._register import register
        from tacenda._values import natural

        asked = [*args, *kwargs.values()][0]
        found = original(self, *args, **kwargs)
        for name, value in (found if isinstance(found, dict) else {asked: found}).items():
            if value:
                register(natural(value), f"{self.provider_name}: {name}")
        READS.get().count += 1
        return found

    return get
