"""Masking log records: after the filters of their logger and of each handler, and once more when they are text.

Every record passes `logging.Filterer.filter` twice: in `Logger.handle`, before anything that hooks into
`Logger.callHandlers`, and in `Handler.handle`, after everything that could still change it. The usual place, a record
factory, sees neither `extra=` nor records that `makeLogRecord` makes of what came from sockets, queues and other
processes. It is left alone, so that other people's factories work whenever they are set.

A record in which nothing holds a value is not changed at all: message, arguments and exception stay the
objects they were, for handlers that group or structure by them.

The names of loggers, threads and tasks are not searched where the standard library's own formatter prints them: it
would double what each call costs.
"""

from __future__ import annotations

import logging
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tacenda.masking._records._copies import masked_copy
from tacenda.masking._records._exceptions import masked_exception, withheld_text
from tacenda.masking._records._texts import holds_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking._engine import Masker
    from tacenda.masking._records._attachment import Attachment


__all__ = ["filter_hook", "format_hook", "mask_record"]

_STANDARD = frozenset(vars(logging.makeLogRecord({})))
_SIZE = len(_STANDARD)
_SIMPLE = frozenset({str, int, float, bool, type(None)})


def _gone() -> None:
    """Stand in for a weak reference whose record is gone."""


class _Looked(threading.local):
    """The plain record that a thread masked last, so that its handlers need not mask it again."""

    last: tuple[Callable[[], logging.LogRecord | None], int] = (_gone, 0)
    """A weak reference, because records hold users' objects, and how many values were registered then."""


_looked = _Looked()


def filter_hook(attachment: Attachment, previous: Callable[..., Any]) -> Callable[..., Any]:
    """Return `logging.Filterer.filter`, with masking after the filters."""

    def filter(filterer: logging.Filterer, record: logging.LogRecord) -> Any:  # noqa: A001 - its name
        kept = previous(filterer, record)
        masker = attachment.masker
        if kept and masker is not None and (size := len(masker)):
            if kept is not True and isinstance(kept, logging.LogRecord):  # from Python 3.12 on filters may replace it
                record = kept
            last, then = _looked.last
            if last() is not record or then != size or filterer.filters:
                _looked.last = (weakref.ref(record) if mask_record(record, masker) else _gone), size
        return kept

    return filter


def format_hook(attachment: Attachment, previous: Callable[..., Any]) -> Callable[..., Any]:
    """Return `logging.Handler.format`, with masking of what the formatter made of records that need it."""

    def format(handler: logging.Handler, record: logging.LogRecord) -> Any:  # noqa: A001 - its name
        made = previous(handler, record)
        masker = attachment.masker
        if masker is not None and (size := len(masker)):
            last, then = _looked.last
            formatter = handler.formatter
            if last() is not record or then != size or not (formatter is None or type(formatter) is logging.Formatter):
                return _mask_made(made, masker)
        return made

    return format


def _mask_made(made: Any, masker: Masker) -> Any:
    try:
        return masker.mask(made) if type(made) is str else masked_copy(made, masker)
    except Exception as failure:  # noqa: BLE001 - logging must neither raise nor leak
        return withheld_text(failure)


def mask_record(record: logging.LogRecord, masker: Masker) -> bool:
    """Mask, in place, what of a record holds a value. Never raises: what cannot be masked is withheld.

    Returns:
        Whether the record is plain: it has a message and nothing else that a standard formatter would print.
    """
    try:
        try:
            text: str | None = record.getMessage()
        except Exception as failure:  # noqa: BLE001 - wrong arguments; logging prints them when it formats
            _mask_unrendered(record, failure, masker)
            text = None
        if text is not None and _message_holds_value(record, text, masker):
            _mask_message(record, text, masker)
        if text is not None and not _has_more(record):
            return True
        if holds_value(_more(record), masker):
            _mask_more(record, masker)
    except Exception as failure:  # noqa: BLE001 - as above
        _withhold(record, failure)
    return False


def _message_holds_value(record: logging.LogRecord, text: str, masker: Masker) -> bool:
    """Return whether a value is in a message, or in its parts, of which the message may show less (`%.3s`)."""
    message, arguments = record.msg, record.args
    if type(message) is not str:
        return holds_value([text, message, arguments], masker)
    if arguments:
        if "%%" in message or type(arguments) is not tuple or not _SIMPLE.issuperset(map(type, arguments)):
            return holds_value([text, message, arguments], masker)
        if message.count("%") != message.count("%s") + message.count("%d") or float in map(type, arguments):
            text = "\n".join((text, *map(str, arguments)))  # one search: every log call pays for it
    return masker.holds(text)


def _mask_message(record: logging.LogRecord, text: str, masker: Masker) -> None:
    if type(record.msg) is not str and not record.args:  # a dictionary stays one, for structlog
        record.msg = masked_copy(record.msg, masker, masked_exception)
        if not holds_value(record.msg, masker):
            return
    with suppress(Exception):  # `%d` of a masked number: the text from before is masked
        record.args = masked_copy(record.args, masker)  # first, because a format may cut: "%.12s"
        text = record.getMessage()
    record.msg, record.args = masker.mask(text), ()


def _mask_unrendered(record: logging.LogRecord, failure: Exception, masker: Masker) -> None:
    """Mask message and arguments separately: logging prints both, and the error that formatting them raised."""
    if holds_value(failure, masker):
        record.msg, record.args = f"withheld: formatting failed: {type(failure).__name__}", ()
    else:
        record.msg, record.args = masked_copy(record.msg, masker), masked_copy(record.args, masker)


def _has_more(record: logging.LogRecord) -> bool:
    """Return whether a record has anything beside its message that handlers may print."""
    extra = len(record.__dict__) != _SIZE
    return extra or bool(record.exc_info or record.exc_text or record.stack_info)


def _more(record: logging.LogRecord) -> list[object]:
    return [_extra(record), _exception(record) or record.exc_info, record.exc_text, record.stack_info]


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


def _mask_more(record: logging.LogRecord, masker: Masker) -> None:
    extra = _extra(record)
    for name in extra:
        del record.__dict__[name]
    record.__dict__.update(masked_copy(extra, masker, masked_exception))
    record.exc_text = masked_copy(record.exc_text, masker)
    record.stack_info = masked_copy(record.stack_info, masker)
    if (error := _exception(record)) is None:
        record.exc_info = masked_copy(record.exc_info, masker)
    elif record.exc_info and (masked := masked_exception(error, masker)) is not error:
        record.exc_info = type(masked), masked, record.exc_info[2]


def _exception(record: logging.LogRecord) -> BaseException | None:
    if isinstance(record.exc_info, tuple) and isinstance(record.exc_info[1], BaseException):
        return record.exc_info[1]
    return None


def _withhold(record: logging.LogRecord, failure: Exception) -> None:
    record.msg, record.args = withheld_text(failure), ()
    record.exc_info = record.exc_text = record.stack_info = None
    for name in _extra(record):
        del record.__dict__[name]
