"""Hooks where Python itself prints texts and exceptions of users, or hands them on: each masks first.

| patched | what is masked |
|---|---|
| `logging.Filterer.filter` | every log record, in its logger and in each handler (`_logging` says why there) |
| `logging.Handler.format` | the text that a formatter made, source lines of tracebacks included |
| `warnings.showwarning` | the warning, for whatever hook was there |
| `warnings.formatwarning` | its text, with the source line |
| `sys.excepthook`, `threading.excepthook`, `sys.unraisablehook` | the exception that nobody caught |

Each hook calls what was there before with what is masked, so that other people's hooks go on working. A hook of ours
that somebody has replaced since is left where it is, and passes everything through once it is detached.
"""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from tacenda.masking._records._attachment import Attachment
from tacenda.masking._records._exceptions import masked_exception, withheld_text
from tacenda.masking._records._texts import rendered

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker
    from tacenda.masking._records._attachment import Hook, MakeHook

__all__ = ["attach", "detach"]

_attachment: Attachment | None = None


def attach(masker: Masker) -> None:
    """Mask what passes through logging, warnings and the hooks for uncaught exceptions.

    Called again, it masks hooks that somebody else has put there since, and changes nothing else. Another masker
    replaces the first.
    """
    global _attachment  # noqa: PLW0603 - a process has one of each hook
    if _attachment is not None and _attachment.masker is not masker:
        detach()
    if _attachment is None:
        _attachment = Attachment(masker)
    for owner, name, make in _places():
        _attachment.put(owner, name, make)


def detach() -> None:
    """Take the hooks away, if there are any."""
    global _attachment  # noqa: PLW0603 - as above
    if _attachment is not None:
        _attachment.take_away()
        _attachment = None


def _places() -> list[tuple[Any, str, MakeHook]]:
    import logging  # costs a cold process 10 ms, which importing tacenda should not

    from tacenda.masking._records._logging import filter_hook, format_hook

    return [
        (logging.Filterer, "filter", filter_hook),
        (logging.Handler, "format", format_hook),
        (warnings, "showwarning", _showwarning_hook),
        (warnings, "formatwarning", _formatwarning_hook),
        (sys, "excepthook", _excepthook),
        (threading, "excepthook", _threading_excepthook),
        (sys, "unraisablehook", _unraisablehook),
    ]


def _masked(attachment: Attachment, error: Any) -> Any:
    """Return an exception, masked if there is a masker; anything else, such as None, as it is."""
    masker = attachment.masker
    return error if masker is None or not isinstance(error, BaseException) else masked_exception(error, masker)


def _masked_text(attachment: Attachment, text: str) -> str:
    try:
        return text if attachment.masker is None else attachment.masker.mask(text)
    except Exception as failure:  # noqa: BLE001 - a warning must neither raise nor leak
        return withheld_text(failure)


def _excepthook(attachment: Attachment, previous: Hook) -> Hook:
    def excepthook(kind: type[BaseException], error: BaseException, traceback: Any) -> Any:
        masked = _masked(attachment, error)
        return previous(kind if masked is error else type(masked), masked, traceback)

    return excepthook


def _threading_excepthook(attachment: Attachment, previous: Hook) -> Hook:
    def excepthook(args: Any) -> Any:
        masked = _masked(attachment, args.exc_value)
        if masked is not args.exc_value:
            args = threading.ExceptHookArgs((type(masked), masked, args.exc_traceback, args.thread))
        return previous(args)

    return excepthook


def _unraisablehook(attachment: Attachment, previous: Hook) -> Hook:
    def unraisablehook(unraisable: Any) -> Any:
        if attachment.masker is None:
            return previous(unraisable)
        error, message = _masked(attachment, unraisable.exc_value), unraisable.err_msg
        kind = unraisable.exc_type if error is unraisable.exc_value else type(error)
        message = message and _masked_text(attachment, message)
        place = _masked_object(attachment, unraisable.object)
        return previous(type(unraisable)((kind, error, unraisable.exc_traceback, message, place)))

    return unraisablehook


class _Shown(str):
    """The masked `repr` of an object, for hooks that print the `repr` of what they get."""

    __slots__ = ()
    __repr__ = str.__str__


def _masked_object(attachment: Attachment, item: object) -> object:
    shown = rendered(repr, item)
    masked = _masked_text(attachment, shown)
    return item if masked == shown else _Shown(masked)


def _showwarning_hook(attachment: Attachment, previous: Hook) -> Hook:
    def showwarning(message: Any, *place: Any, **more: Any) -> Any:
        return previous(_masked_message(attachment, message), *place, **more)

    return showwarning


def _formatwarning_hook(attachment: Attachment, previous: Hook) -> Hook:
    def formatwarning(message: Any, *place: Any, **more: Any) -> Any:
        return _masked_text(attachment, previous(_masked_message(attachment, message), *place, **more))

    return formatwarning


def _masked_message(attachment: Attachment, message: Any) -> Any:
    return _masked_text(attachment, message) if isinstance(message, str) else _masked(attachment, message)
