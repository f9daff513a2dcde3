"""Telling which secrets are not masked, where somebody relies on masking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.cli._output import say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

__all__ = ["tell_unmasked"]


def tell_unmasked(secrets: Mapping[str, object], non_secret_keys: AbstractSet[str]) -> None:
    """Name each of these secrets that the masker leaves alone, such as short ones, and say why.

    Args:
        secrets: each name and its value.
        non_secret_keys: keys whose values are meant to be readable; they are not mentioned.
    """
    from tacenda._values import leaves
    from tacenda.masking import is_secret_key, registry
    from tacenda.masking._policy import why_not_masked

    shortest = registry().min_length
    reasons = {
        name if key is None else f"{name}#{key}": why_not_masked(leaf, shortest)
        for name, value in secrets.items()
        for key, leaf in leaves(value)
        if is_secret_key(key, non_secret_keys)
    }
    for name, reason in reasons.items():
        if reason:
            say(f"{name!r} {reason} and is not masked")
