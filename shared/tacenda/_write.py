"""Writing: whole documents, or single keys of one, so that nobody's keys are lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda._errors import Conflict, InvalidReference, SecretNotFound, Unsupported
from tacenda._values import SecretInfo, natural, reveal
from tacenda.providers import Document, decode_leaf, encode_leaf

if TYPE_CHECKING:
    from tacenda._chain import Target
    from tacenda._resolve import Resolver
    from tacenda.providers._base import Change, Value

__all__ = ["delete_secret", "set_secret", "update_secret"]


def set_secret(
    resolver: Resolver, name: str, value: Any, *, create: bool = False, tags: Mapping[str, str] | None = None
) -> SecretInfo:
    """Write a whole secret; see `SecretStore.set`."""
    plain = _storable(name, value)
    target = _writable(resolver, name)
    provider, place = target
    if tags and (place.keys or not provider.capabilities.tags):
        what = "a key of a document" if place.keys else "a secret"
        raise provider.unsupported(f"keep tags on {what}")
    _register(resolver, target, value)
    if place.keys:
        change = _put(place.keys, plain, name if create else None)
        info = resolver.chain.ask("write", target, lambda: provider.modify(place.path, change))
    else:
        info = resolver.chain.ask("write", target, lambda: provider.write(place.path, plain, create=create, tags=tags))
    return info._replace(name=name)


def update_secret(resolver: Resolver, name: str, values: Mapping[str, Any]) -> SecretInfo:
    """Merge keys into a secret; see `SecretStore.update`."""
    plain = _storable(name, values)
    if not isinstance(plain, dict):
        raise TypeError(f"{name!r} can be updated by a mapping of keys to values only")
    target = _writable(resolver, name)
    _register(resolver, target, values)

    def change(document: Document | None) -> Value:
        content, inner = _enter(document, target.place.keys, name)
        inner.update(plain)
        return content

    provider, place = target
    info = resolver.chain.ask("write", target, lambda: provider.modify(place.path, change))
    return info._replace(name=name)


def delete_secret(resolver: Resolver, name: str) -> None:
    """Delete a secret, or one key of a document; see `SecretStore.delete`."""
    target = _writable(resolver, name)
    provider, place = target

    def change(document: Document | None) -> Value:
        content, parent = _enter(document, place.keys[:-1], name)
        if place.keys[-1] not in parent:
            raise SecretNotFound(f"there is no secret {name!r} to delete", name=name, tried=[target.label])
        del parent[place.keys[-1]]
        return content

    if place.keys:
        resolver.chain.ask("delete", target, lambda: provider.modify(place.path, change))
    else:
        resolver.chain.ask("delete", target, lambda: provider.delete(place.path))


def _writable(resolver: Resolver, name: str) -> Target:
    # The first provider of the chain that can write at all: env and files never are.
    targets = resolver.chain.targets(name)
    for target in targets:
        if target.provider.capabilities.write:
            return target
    who = ", ".join(dict.fromkeys(target.provider.describe() for target in targets))
    raise Unsupported(
        f"nothing in stack {resolver.chain.stack.name!r} can write {name!r}: {who} is read-only",
        name=name,
        hint="add a provider that can write to the stack, or write with the backend's own tool",
    )


def _register(resolver: Resolver, target: Target, value: Any) -> None:
    # As it was given: in its stored form bytes have a field `encoding`, and "base64" is no secret.
    resolver.register(natural(value), target.label)


def _put(keys: tuple[str, ...], value: Value, must_be_new: str | None) -> Change:
    def change(document: Document | None) -> Value:
        content, parent = _enter(document, keys[:-1], keys[0])
        if must_be_new is not None and keys[-1] in parent:
            raise Conflict(f"the secret {must_be_new!r} exists already", name=must_be_new)
        parent[keys[-1]] = encode_leaf(value)
        return content

    return change


def _enter(document: Document | None, keys: tuple[str, ...], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a document's content as a plain dict, and the dict inside it that `keys` lead to, made if missing."""
    content = {} if document is None else _object(document.value, name)
    inner = content
    for key in keys:
        inner[key] = _object(inner.get(key, {}), name)
        inner = inner[key]
    return content, inner


def _object(value: Any, name: str) -> dict[str, Any]:
    plain = reveal(natural(decode_leaf(value)))
    if not isinstance(plain, dict):
        raise InvalidReference(
            f"{name!r} is no JSON object, so single keys of it cannot be written",
            name=name,
            hint="write the whole value with `set`",
        )
    return plain


def _storable(name: str, value: Any) -> Value:
    """Return a value as plain types that every backend understands.

    Raises:
        TypeError: naming the place, never the value.
        Unsupported: for what no encoding can hold: half a surrogate pair, an infinite number.
    """
    plain = reveal(value)
    if not isinstance(plain, (str, bytes, dict)):
        kind = type(plain).__name__
        raise TypeError(f"{name!r} is a {kind}; a secret is text, bytes, or a mapping of keys to values")
    _refuse_unstorable(name, plain)
    return {key: encode_leaf(item) for key, item in plain.items()} if isinstance(plain, dict) else plain


def _refuse_unstorable(place: str, value: Any, depth: int = 0) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of {place!r} is a {type(key).__name__}; keys are text")
            _refuse_unstorable(f"a key of {place}", key, depth + 1)
            _refuse_unstorable(f"{place}.{key}" if depth else f"{place}#{key}", item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_unstorable(place, item, depth + 1)
    elif not (value is None or isinstance(value, (str, int, float)) or (depth <= 1 and isinstance(value, bytes))):
        raise TypeError(f"{place} is a {type(value).__name__}; values are text, numbers, true, false, null, or nested")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Unsupported(f"{place} is infinite or not a number, which JSON cannot hold", hint="write it as text")
    elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise Unsupported(f"{place} is text that no encoding can hold", hint="write it as bytes")
