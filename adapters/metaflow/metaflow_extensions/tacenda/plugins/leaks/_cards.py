"""Cards, masked: what a step hands to the process that makes its card, and what that process saves.

That process starts anew: it reads the step's artifacts, its source code and the environment, but knows no secret.
"""

from __future__ import annotations

import base64
import binascii
import functools
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from metaflow_extensions.tacenda.plugins.leaks._card_values import masker_of_card, shared_values
from tacenda._adapters import known_masker, masked_copy

if TYPE_CHECKING:
    from tacenda.masking import Masker

__all__ = ["knowing_command", "masked_data", "masked_input", "masked_page"]

_INPUT = ("card_options", "component_strings", "data", "metadata_dict")
_BASE64 = r"[A-Za-z0-9+/]{40,}={0,2}"


def masked_input(run: Callable[..., None]) -> Callable[..., None]:
    """Return `CardCreator._run_cards_subprocess`: components and data go through files, options are arguments."""
    signature = inspect.signature(run)

    @functools.wraps(run)
    def run_masked(*args: Any, **settings: Any) -> None:
        if known_masker() is None:
            return run(*args, **settings)
        bound = signature.bind(*args, **settings)
        bound.arguments.update({name: masked_copy(bound.arguments[name]) for name in _INPUT if name in bound.arguments})
        return run(*bound.args, **bound.kwargs)

    return run_masked


def knowing_command(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `CardCreator._run_command`: the process that it starts can ask for the values to be masked."""

    @functools.wraps(run)
    def run_knowing(self: Any, cmd: Any, card_uuid: Any, env: Any, *args: Any, **settings: Any) -> Any:
        return run(self, cmd, card_uuid, {**env, **shared_values()}, *args, **settings)

    return run_knowing


def masked_page(save: Callable[..., Any]) -> Callable[..., Any]:
    """Return `CardDatastore.save_card`; a default card has its data in base64."""

    @functools.wraps(save)
    def save_masked(self: Any, uuid: Any, card_type: Any, card_html: str, *args: Any, **settings: Any) -> Any:
        if masker := masker_of_card():
            card_html = re.sub(_BASE64, lambda found: _masked_base64(found[0], masker), card_html)
            card_html = masker.mask(card_html)
        return save(self, uuid, card_type, card_html, *args, **settings)

    return save_masked


def masked_data(save: Callable[..., Any]) -> Callable[..., Any]:
    """Return `CardDatastore.save_data`, which saves what changes in a card while the step runs."""

    @functools.wraps(save)
    def save_masked(self: Any, uuid: Any, card_type: Any, json_data: Any, *args: Any, **settings: Any) -> Any:
        if masker := masker_of_card():
            from tacenda.masking._records._copies import masked_copy as masked_by

            json_data = masked_by(json_data, masker)
        return save(self, uuid, card_type, json_data, *args, **settings)

    return save_masked


def _masked_base64(text: str, masker: Masker) -> str:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:  # a long word in a script
        return text
    masked = masker.mask(data)
    return text if masked == data else base64.b64encode(masked).decode()
