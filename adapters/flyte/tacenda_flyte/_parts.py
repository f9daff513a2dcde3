"""What an output is made of: what is in its lists, mappings, dataclasses and Pydantic models, at any depth."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["fields_of", "parts"]


def parts(value: Any, declared: Any, whole: tuple[type, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield each part of an output with the type that is declared for it, or for the list or mapping that it is in.

    Args:
        value: the output.
        declared: its declared type, None if there is none.
        whole: classes that are not taken apart, such as the orchestrator's file.

    Example:
        >>> list(parts({"a": [1, 2]}, dict, ()))
        [(1, <class 'dict'>), (2, <class 'dict'>)]
    """
    return _below(value, declared, whole, set())


def fields_of(kind: Any) -> list[str]:
    """Return the names of the fields of a dataclass or a Pydantic model; none for anything else."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    models = getattr(kind, "model_fields", None)
    return list(models) if isinstance(models, Mapping) else []


def _below(value: Any, declared: Any, whole: tuple[type, ...], seen: set[int]) -> Iterator[tuple[Any, Any]]:
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, whole):
        yield value, declared
        return
    if isinstance(value, (list, tuple, set, frozenset)):
        inner = ((item, declared) for item in value)
    elif isinstance(value, Mapping):
        inner = ((item, declared) for item in value.values())
    elif names := fields_of(type(value)):
        types = _types(type(value))
        inner = ((getattr(value, name, None), types.get(name)) for name in names)
    else:
        yield value, declared
    if inner and id(value) not in seen:  # it may be in itself
        seen.add(id(value))
        for item, kind in inner:
            yield from _below(item, kind, whole, seen)


def _types(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - a name that cannot be looked up; then the values alone say what they are
        return {}
