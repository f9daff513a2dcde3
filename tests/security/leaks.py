"""Looking for a value in everything that an exception holds on to."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import TracebackType


def places_of(value: str, error: BaseException) -> list[str]:
    """Return every place of an exception where a value can be seen.

    The exception and all that hang on it (cause, context, failures, notes): their texts, reprs, arguments and
    attributes; and the reprs of all local variables in frames of tacenda, as error reporters send them.
    """
    return [place for place, shown in _shown(error, set()) if value in shown]


def _shown(error: BaseException, seen: set[int]) -> Iterator[tuple[str, str]]:
    if id(error) in seen:
        return
    seen.add(id(error))
    kind = type(error).__name__
    yield f"str({kind})", str(error)
    yield f"repr({kind})", repr(error)
    yield f"{kind}.args", repr(error.args)
    yield f"vars({kind})", repr(vars(error))
    yield f"traceback of {kind}", "".join(traceback.format_exception_only(type(error), error))
    yield from _frames(kind, error.__traceback__)
    others = [error.__cause__, error.__context__, *getattr(error, "failures", {}).values()]
    for other in others:
        if other is not None:
            yield from _shown(other, seen)


def _frames(kind: str, at: TracebackType | None) -> Iterator[tuple[str, str]]:
    while at is not None:
        frame = at.tb_frame
        if frame.f_globals.get("__name__", "").startswith("tacenda"):
            for name, value in list(frame.f_locals.items()):
                yield f"{kind}: {name} in {frame.f_globals['__name__']}.{frame.f_code.co_name}", repr(value)
        at = at.tb_next
