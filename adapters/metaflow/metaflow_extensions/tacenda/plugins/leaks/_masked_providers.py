"""What Metaflow's own providers return is masked, whoever has asked them: `@secrets`, `get_secret()`, or anybody."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["registering"]


def registering(get_provider: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return `get_secrets_backend_provider`, whose providers register each value before they hand it out."""

    @functools.wraps(get_provider)
    def get_registering_provider(secrets_backend_type: str) -> Any:
        provider = get_provider(secrets_backend_type)
        provider.get_secret_as_dict = _registered(provider.get_secret_as_dict)
        return provider

    return get_registering_provider


def _registered(get_secret: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(get_secret)
    def get_and_register(secret_id: Any, *settings: Any, **named: Any) -> Any:
        content = get_secret(secret_id, *settings, **named)
        if isinstance(content, Mapping):
            from tacenda._register import register

            register(content, str(secret_id))
        return content

    return get_and_register
