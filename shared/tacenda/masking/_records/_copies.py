"""Copies of users' objects in which values are masked; the objects themselves are never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda.masking._records._texts import SEQUENCES, holds_value, rendered

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking._engine import Masker

    OfException = Callable[[BaseException, Masker], object]

__all__ = ["masked_copy", "masked_repr"]


def masked_repr(item: object, masker: Masker) -> str:
    """Return the `repr` of an object, masked."""
    return masker.mask(rendered(repr, item))


def masked_copy(value: Any, masker: Masker, exception: OfException = masked_repr) -> Any:
    """Return the object itself if nothing of it holds a value, else a masked copy of the same shape.

    Mappings become `dict`, keys included; lists, tuples and sets stay what they are; text and bytes are
    masked; any other object that holds a value becomes its masked text.

    Args:
        value: what a user passed to logging: any type, any depth, cycles too.
        masker: knows the values.
        exception: makes the copy of an exception.
    """
    return _Copier(masker, exception).copy(value)


class _Copier:
    def __init__(self, masker: Masker, exception: OfException) -> None:
        self._masker = masker
        self._exception = exception
        self._made: dict[int, tuple[Any, Any]] = {}  # with the originals: the id of a freed object would be reused

    def copy(self, value: Any) -> Any:
        if id(value) in self._made:
            return self._made[id(value)][1]
        if not holds_value(value, self._masker):
            return value
        if isinstance(value, str):
            return self._masker.mask(str.__str__(value))
        if isinstance(value, bytes | bytearray):
            return self._masker.mask(bytes(value))
        if isinstance(value, BaseException):
            return self._exception(value, self._masker)
        if isinstance(value, Mapping):
            value = self._mapping(value)
        elif isinstance(value, SEQUENCES):
            value = self._sequence(value)
        # If the masked copy still prints a value, its own code puts one together: it becomes its masked text.
        return self._masker.mask(rendered(str, value)) if holds_value(value, self._masker) else value

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        copy: dict[Any, Any] = {}
        self._made[id(value)] = value, copy
        copy.update((self.copy(key), self.copy(item)) for key, item in value.items())
        return copy

    def _sequence(self, value: Any) -> Any:
        if isinstance(value, list):
            copy: Any = []
            self._made[id(value)] = value, copy
            copy.extend(map(self.copy, value))
            return copy
        self._made[id(value)] = value, "..."  # what stands for it inside itself: its items are copied first
        items = list(map(self.copy, value))
        kind = next(kind for kind in SEQUENCES if isinstance(value, kind))
        copy = value._make(items) if hasattr(value, "_make") else kind(items)
        self._made[id(value)] = value, copy
        return copy
