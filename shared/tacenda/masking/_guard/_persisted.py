"""An object as an orchestrator would persist it, in pieces of bytes."""

from __future__ import annotations

import copyreg
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from tacenda._errors import SecretLeak

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["pieces"]

PIECE = 1 << 20
"""Characters of text that are encoded at a time."""


def pieces(data: object, take: Callable[[bytes | memoryview], None]) -> None:
    """Hand on what would be persisted: text and bytes as they are, any other object as its pickle.

    Args:
        data: text, bytes, a buffer, or any object.
        take: called with each piece.

    Raises:
        SecretLeak: if it is nested too deeply to be looked into.
    """
    if isinstance(data, str):
        for start in range(0, len(data), PIECE):
            take(data[start : start + PIECE].encode("utf-8", "surrogatepass"))
        return
    if (buffer := _buffer(data)) is not None:
        take(buffer)
        return
    try:
        _Pickler(take).dump(data)
    except RecursionError:
        raise SecretLeak(
            f"cannot look for secrets in a {type(data).__name__}: it is nested too deeply",
            hint="save it in a flatter form, such as a list instead of a chain of objects",
        ) from None


class _Pickler(pickle.Pickler):
    """Pickles any object, in a form that cannot be loaded again: only its bytes matter.

    Objects that refuse to be pickled, such as secrets, are taken apart.
    """

    def __init__(self, take: Callable[[bytes | memoryview], None]) -> None:
        # Protocol 5 hands out the memory of arrays instead of copying it.
        super().__init__(_Writer(take), protocol=5, buffer_callback=lambda buffer: take(buffer.raw()))

    def reducer_override(self, thing: Any) -> Any:
        """Save the parts of a thing as its state: pickle saves that after it has noted the thing, so cycles end."""
        if isinstance(thing, (type, FunctionType)) and _importable(thing):
            return NotImplemented
        return _Thing, (), _pickled_parts(thing)


class _Thing:
    """Stands for any object in a pickle that is never loaded."""


class _Writer:
    """What a pickler writes to."""

    def __init__(self, take: Callable[[bytes | memoryview], None]) -> None:
        self.write = take


def _buffer(data: object) -> memoryview | None:
    try:
        view = memoryview(data)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):
        return None
    if "O" in (view.format or ""):  # addresses of objects, not their content
        return None
    return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())


def _importable(thing: Any) -> bool:
    found: Any = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing


def _pickled_parts(thing: Any) -> list[Any]:
    """Return what a pickle of a thing would hold, or what it is made of if it refuses."""
    if isinstance(thing, (type, FunctionType)):  # cloudpickle saves what these bring along
        return _definition(thing)
    if isinstance(thing, ModuleType):
        return [thing.__name__]
    if isinstance(thing, memoryview):
        return [pickle.PickleBuffer(thing) if thing.c_contiguous else thing.tobytes()]
    reduce = copyreg.dispatch_table.get(type(thing))
    try:
        reduced = reduce(thing) if reduce else thing.__reduce_ex__(5)
    except Exception:  # noqa: BLE001 - SecretLeak, TypeError, or an error of a user's code
        return [*_content(thing), _attributes(thing)]
    if isinstance(reduced, str):  # the name of something that can be imported
        return [reduced]
    return [list(part) if isinstance(part, Iterator) else part for part in reduced]  # pickle would refuse iterators


def _definition(thing: type | FunctionType) -> list[Any]:
    if isinstance(thing, type):
        return [thing.__bases__, dict(vars(thing))]
    cells = []
    for cell in thing.__closure__ or ():
        with suppress(ValueError):  # empty
            cells.append(cell.cell_contents)
    return [thing.__defaults__, thing.__kwdefaults__, thing.__code__.co_consts, vars(thing), cells]


def _content(thing: Any) -> list[Any]:
    """Return the content of a subclass of a built-in type, past any method that it overrides."""
    if isinstance(thing, str):
        return [str.__getitem__(thing, slice(None))]
    if isinstance(thing, (bytes, bytearray)):
        return [bytes(memoryview(thing))]
    if isinstance(thing, dict):
        return list(dict.items(thing))
    kind: Any
    for kind in (list, tuple, set, frozenset):
        if isinstance(thing, kind):
            return list(kind.__iter__(thing))
    return []


def _attributes(thing: Any) -> dict[str, Any]:
    slots = copyreg._slotnames(type(thing))  # type: ignore[attr-defined]  # noqa: SLF001 - what pickle itself asks
    found = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return {**found, **getattr(thing, "__dict__", {})}
