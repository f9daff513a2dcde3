"""What ZenML keeps of a run, masked: stored logs, the text of exceptions, metadata."""

from __future__ import annotations

import copy
import functools
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tacenda._adapters import known_masker, masked_copy

if TYPE_CHECKING:
    import logging

    from tacenda.masking import Masker

__all__ = ["masked_emit", "masked_exception_info", "masked_metadata"]

_PRINTED = ("stdout", "stderr")
"""ZenML's names of the records that it makes of what is written there."""

_STACKTRACE = "exception.stacktrace"
"""OpenTelemetry's attribute; those that are given go before those that its handler makes of the record."""


def masked_emit(original: Any) -> Any:
    """Return `LoggingContext.emit`, through which all that is printed and logged in a run goes to the log store.

    What is printed comes here before it reaches the streams that are masked.
    """
    emit = getattr(original, "__func__", original)

    @functools.wraps(emit)
    def masked(self: Any, record: logging.LogRecord, metadata: dict[str, Any] | None = None) -> None:
        if masker := known_masker():
            record, metadata = _masked_record(self, record, metadata, masker)
        emit(self, record, metadata)

    return classmethod(masked) if isinstance(original, classmethod) else masked  # it was one in ZenML 0.94


def masked_exception_info(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `collect_exception_information`, whose result is kept in the database."""

    @functools.wraps(original)
    def collect(*args: Any, **settings: Any) -> Any:
        info = original(*args, **settings)
        if masker := known_masker():
            texts = {name: getattr(info, name, None) for name in ("traceback", "message")}
            info = info.model_copy(update={name: masker.mask(text) for name, text in texts.items() if text})
        return info

    return collect


def masked_metadata(original: Callable[..., None]) -> Callable[..., None]:
    """Return `Client.create_run_metadata`, which stores the metadata of runs, steps, models and artifacts."""

    @functools.wraps(original)
    def create(self: Any, metadata: dict[str, Any], *args: Any, **settings: Any) -> None:
        original(self, masked_copy(metadata), *args, **settings)

    return create


def _masked_piece(context: Any, stream: str, text: str) -> str:
    """Return what a run has written to a stream, masked, also where a value comes in several writes.

    Nothing is held back, for nobody says when the last one has come: more than three bytes of a value's beginning are
    masked at once.
    """
    from tacenda._adapters._captured_text import CapturedText

    pieces = CapturedText.of(context, f"_tacenda_{stream}")
    return pieces.write(text) + pieces.release()


def _masked_record(
    context: Any, record: logging.LogRecord, metadata: dict[str, Any] | None, masker: Masker
) -> tuple[logging.LogRecord, dict[str, Any] | None]:
    from tacenda.masking._records._logging import mask_record

    record = copy.copy(record)
    if record.name in _PRINTED and not record.pathname:
        record.msg = _masked_piece(context, record.name, record.getMessage())
        return record, metadata
    mask_record(record, masker)
    if record.exc_info and record.exc_info[1]:
        # The exception is masked by now, the source lines in its traceback are not.
        lines = "".join(traceback.format_exception(*record.exc_info))
        if masker.holds(lines):
            metadata = {**(metadata or {}), _STACKTRACE: masker.mask(lines)}
    return record, metadata
