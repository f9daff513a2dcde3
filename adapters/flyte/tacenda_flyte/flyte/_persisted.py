"""What a local run writes beside its outputs, masked: `report.html` and the database of runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacenda._adapters import masked_text
from tacenda_flyte._values import masked_html

__all__ = ["masked_report", "masked_result", "masked_texts"]


def masked_report(get_final_report: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Return a report masked."""
    return masked_html(get_final_report(*args, **options))


def masked_result(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Return the text that a function returns, masked."""
    return masked_text(function(*args, **options))


def masked_texts(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function with every text that it is given masked: outputs as text, and errors."""
    return function(*map(masked_text, args), **{name: masked_text(value) for name, value in options.items()})
