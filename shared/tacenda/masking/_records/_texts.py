"""All texts that a log handler, a formatter or a traceback may print of an object of any type."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tacenda.masking._engine import Masker

__all__ = ["SEQUENCES", "holds_value", "members", "rendered"]

SEQUENCES = (list, tuple, set, frozenset, deque)
_BARE = frozenset({dict, list, tuple, set, frozenset, deque})  # they print as their items do
_NUMBERS = frozenset({bool, int, float})
_SYNTAX = ("msg", "filename", "text", "print_file_and_line")  # a traceback prints these, not str()


def holds_value(value: object, masker: Masker) -> bool:
    """Return whether anything that may be printed of an object of any type holds a registered value."""
    found = list(_all_texts(value))
    text = "\n".join([part for part in found if type(part) is str])
    data = b"\n".join([part for part in found if type(part) is bytes])
    return masker.holds(text) or masker.holds(data)


def _all_texts(value: object) -> Iterator[str | bytes]:
    """Yield each text in a value: keys and leaves at any depth, `str` and `repr` of objects, what exceptions carry."""
    seen: dict[int, object] = {}  # with the objects: the id of a freed one would be reused
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is str:
            yield item  # type: ignore[misc]
        elif kind in _NUMBERS:
            yield rendered(str, item)
        elif item is not None and id(item) not in seen:
            seen[id(item)] = item
            if isinstance(item, str):
                yield str.__str__(item)
            elif isinstance(item, bytes | bytearray):
                yield bytes(item)
            else:
                waiting.extend(_printed_parts(item))
            if kind not in _BARE:
                yield rendered(str, item)
                yield rendered(repr, item)


def members(error: BaseException) -> tuple[BaseException, ...]:
    """Return what an exception group groups; nothing for any other exception."""
    grouped = getattr(error, "exceptions", ())  # not by type: Python 3.10 has groups from a package only
    if isinstance(grouped, tuple) and all(isinstance(member, BaseException) for member in grouped):
        return grouped
    return ()


def rendered(render: Callable[[object], str], item: object) -> str:
    """Return `str` or `repr` of an object, or nothing if that fails: then nobody else can print it either."""
    try:
        return str.__str__(render(item))
    except Exception:  # noqa: BLE001 - the object's own code
        return ""


def _printed_parts(item: object) -> Iterable[object]:
    """Return what is inside an object and may be printed apart from it."""
    try:
        if isinstance(item, Mapping):
            return [*item.keys(), *item.values()]
        if isinstance(item, SEQUENCES):
            return list(item)
        if isinstance(item, BaseException):
            notes = getattr(item, "__notes__", None)
            syntax = [getattr(item, name) for name in _SYNTAX] if isinstance(item, SyntaxError) else ()
            return [item.args, notes, item.__cause__, item.__context__, *members(item), *syntax]
        fields = getattr(type(item), "__dataclass_fields__", ())  # those with repr=False too: JSON prints them
        return [getattr(item, name, None) for name in fields]
    except Exception:  # noqa: BLE001 - the object's own code
        return ()
