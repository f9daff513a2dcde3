"""Telling the process-wide masker every secret part of a value, before anybody can print it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda._reference import looks_like_credential
from tacenda._values import SecretBundle, leaves, natural
from tacenda.masking import NON_SECRET_KEYS, is_secret_key, registry

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["register"]


def register(value: Any, label: str, non_secret_keys: AbstractSet[str] = NON_SECRET_KEYS) -> None:
    """Register every secret leaf of a value.

    Args:
        value: text, bytes, or a bundle of any depth.
        label: what the leaves are called: the secret's name, to which each key on the way is added.
        non_secret_keys: keys, in lower case, whose values are left alone, unless there is a password in them.
    """
    for key, item in value.items() if isinstance(value, Mapping) else [(None, value)]:
        name = label if key is None else f"{label}#{key}"
        if isinstance(item, Mapping):  # in a one-document stack the secret itself: `.secrets.json#db#password`
            register(item, name, non_secret_keys)
            continue
        for nearest, leaf in leaves(item, key):
            if is_secret_key(nearest, non_secret_keys) or _holds_credential(leaf):
                registry().add(leaf, name)
            if nearest is not None and isinstance(inner := natural(leaf), SecretBundle):  # a JSON text under a key
                register(inner, name, non_secret_keys)


def _holds_credential(leaf: str | bytes) -> bool:
    # `url` is no secret, unless there is a password in it.
    return isinstance(leaf, str) and looks_like_credential(leaf)
