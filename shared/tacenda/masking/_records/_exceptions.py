"""Exceptions whose text is masked, for logging and for the hooks that print what nobody caught.

A user's exception is never changed: whoever catches it may need the value. Printed instead is a stand-in with the
same traceback, an instance of a subclass with the same name. Only what the exception says is masked there; the source
lines and local variables of its frames are masked as text, where they are printed.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from tacenda.masking._records._copies import masked_copy, masked_repr
from tacenda.masking._records._texts import holds_value, members, rendered

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["masked_exception", "withheld_text"]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by Python code
_LINKS = ("__cause__", "__context__")


class _StandIn:
    """A base that comes before the user's type, so that its `__init_subclass__` is not called for a stand-in."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Do not call the next one."""


def masked_exception(error: BaseException, masker: Masker) -> BaseException:
    """Return the exception itself if nothing it prints holds a value, else a stand-in that prints masked.

    Searched are message, arguments, notes, `__cause__`, `__context__` and the members of groups, however long the
    chain. `isinstance` gives the same answers for a stand-in. If masking fails, its message says so, and only type
    name and traceback stay: the exception is never lost.
    """
    try:
        return _stand_ins(error, masker) if holds_value(error, masker) else error
    except Exception as failure:  # noqa: BLE001 - whatever it was, the exception must be reported
        return _withheld(error, failure)


def withheld_text(failure: BaseException) -> str:
    """Return what is printed instead of a text that could not be masked."""
    return f"withheld: masking failed: {type(failure).__name__}"


def _withheld(error: BaseException, failure: BaseException) -> BaseException:
    """Return an exception with the type name and traceback of another, whose message tells why it was withheld."""
    kind = type(error)
    copy: BaseException = type(kind.__name__, (Exception,), _named_as(kind))(withheld_text(failure))
    copy.__traceback__ = error.__traceback__
    return copy


def _stand_ins(error: BaseException, masker: Masker) -> BaseException:
    """Return the stand-in of an exception, linked as the original is to stand-ins of all that it leads to."""
    made: dict[int, BaseException] = {}
    reached = _reached(error)
    for original in reached:
        _make(original, masker, made)
    for original in reached:
        copy = made[id(original)]
        for link in _LINKS:
            linked = getattr(original, link)
            _set(copy, link, None if linked is None else made[id(linked)])
        _set(copy, "__suppress_context__", original.__suppress_context__)
        _set(copy, "__traceback__", original.__traceback__)
    return made[id(error)]


def _reached(error: BaseException) -> list[BaseException]:
    """Return an exception and all that it leads to, each once: chains may be cycles."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        item = waiting.pop()
        if item is not None and id(item) not in found:
            found[id(item)] = item
            waiting += [*members(item), *(getattr(item, link) for link in _LINKS)]
    return list(found.values())


def _make(original: BaseException, masker: Masker, made: dict[int, BaseException]) -> BaseException:
    if id(original) not in made:
        arguments = masked_copy(original.args, masker)
        if grouped := members(original):  # a group is made of its members, so they come first
            message = masker.mask(rendered(str, getattr(original, "message", "")))
            arguments = (message, [_make(member, masker, made) for member in grouped])
        made[id(original)] = _stand_in(original, arguments, masker)
    return made[id(original)]


def _stand_in(original: BaseException, arguments: tuple[Any, ...], masker: Masker) -> BaseException:
    """Return an unlinked stand-in, of the nearest built-in type if the exception's own type has no subclasses."""
    kind = type(original)
    text, shown = masker.mask(rendered(str, original)), masked_repr(original, masker)
    body = {**_named_as(kind), "__str__": lambda self: text, "__repr__": lambda self: shown}
    native = next(base for base in kind.__mro__ if not base.__flags__ & _HEAP_TYPE)
    # A type's own __new__ may want any arguments, so it is not called; only groups from a package (3.10) need it.
    maker = kind if members(original) and not hasattr(native, "exceptions") else native
    try:
        derived = types.new_class(kind.__name__, (_StandIn, kind), exec_body=lambda space: space.update(body))
        copy: BaseException = maker.__new__(derived, *arguments)
    except Exception:  # noqa: BLE001 - an error of a metaclass, or a final type
        copy = native.__new__(type(kind.__name__, (native,), body), *arguments)
    _set(copy, "args", arguments)
    _copy_attributes(original, copy, masker)
    return copy


def _copy_attributes(original: BaseException, copy: BaseException, masker: Masker) -> None:
    """Copy attributes, masked: those of built-in types too, such as `OSError.filename` and `SyntaxError.text`."""
    names = [
        name
        for base in type(original).__mro__
        if not base.__flags__ & _HEAP_TYPE and base not in (BaseException, object)
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType)
    ]
    attributes = {name: getattr(original, name) for name in names if hasattr(original, name)}
    attributes |= {name: value for name, value in vars(original).items() if name not in vars(copy)}
    for name, value in attributes.items():
        _set(copy, name, masked_copy(value, masker))


def _set(copy: BaseException, name: str, value: object) -> None:
    """Set an attribute without the type's own `__setattr__`; what cannot be set stays unset."""
    try:
        object.__setattr__(copy, name, value)
    except (AttributeError, TypeError):
        return


def _named_as(kind: type) -> dict[str, Any]:
    return {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
