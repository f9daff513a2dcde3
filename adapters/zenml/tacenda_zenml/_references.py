"""`{{name.key}}` and `Client().get_secret(name)`: ZenML's own secrets first, then those of tacenda's stack.

A secret of ZenML's own is registered for masking; one of tacenda's is shown as ZenML shows its own, and never stored.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["by_any_name", "by_name"]


def by_name(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Client.get_secret_by_name_and_private_status`, which resolves `{{name.key}}`."""

    @functools.wraps(original)
    def get(self: Any, name: str, private: bool | None = None, *args: Any, **settings: Any) -> Any:
        return _own_or_ours(functools.partial(original, self, name, private, *args, **settings), self, name, private)

    return get


def by_any_name(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Client.get_secret`, which reads secrets for `@step(secrets=[...])` and for users' own code."""

    @functools.wraps(original)
    def get(self: Any, name_id_or_prefix: Any, private: bool | None = None, *args: Any, **settings: Any) -> Any:
        ask = functools.partial(original, self, name_id_or_prefix, private, *args, **settings)
        # What changes or attaches a secret needs one that ZenML stores: it asks for whole names, or for the id only.
        reads = settings.get("allow_partial_name_match", True) and settings.get("hydrate", True)
        return _own_or_ours(ask, self, name_id_or_prefix if reads and not args else None, private)

    return get


def _own_or_ours(ask: Callable[[], Any], client: Any, name: Any, private: bool | None) -> Any:
    try:
        secret = ask()
    except KeyError as missing:
        found = None if private or type(missing) is not KeyError else _ours(client, name)  # a subclass: ambiguous
        if found is None:
            raise
        return found
    _register(secret)
    return secret


def _register(secret: Any) -> None:
    from tacenda._register import register

    register(secret.secret_values, secret.name)


def _ours(client: Any, name: Any) -> Any:
    """Return a secret of tacenda's stack as ZenML's model, or None. Whatever else is wrong is raised: not "missing"."""
    if not isinstance(name, str) or _is_id(name) or not _is_configured():
        return None
    from tacenda.errors import InvalidReference, SecretNotFound
    from tacenda_zenml._manager import SecretsManager

    try:
        content = SecretsManager(client.active_stack_model.name).get_secret(name).content
    except (SecretNotFound, InvalidReference):
        return None
    return _as_response(name, content)


def _as_response(name: str, content: Mapping[str, Any]) -> Any:
    from datetime import datetime, timezone
    from uuid import NAMESPACE_URL, uuid5

    from pydantic import SecretStr
    from zenml.models import SecretResponse, SecretResponseBody, SecretResponseMetadata

    now = datetime.now(timezone.utc).replace(tzinfo=None)
    values = {key: SecretStr(_text(value)) for key, value in content.items()}
    body = SecretResponseBody(created=now, updated=now, private=False, values=values)
    identity = uuid5(NAMESPACE_URL, f"tacenda:{name}")  # the same for each reading; ZenML has none of it
    return SecretResponse(id=identity, name=name, body=body, metadata=SecretResponseMetadata())


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    from tacenda._values import exact_text

    return exact_text(value)


def _is_id(name: str) -> bool:
    from zenml.utils.uuid_utils import is_valid_uuid

    return bool(is_valid_uuid(name))


def _is_configured() -> bool:
    # Without a configuration the environment serves, and `{{path.value}}` would be PATH.
    from tacenda._active import OVERRIDES
    from tacenda._config import TACENDA_CONFIG, TACENDA_STACK, find_configuration

    if OVERRIDES or os.environ.get(TACENDA_STACK) or os.environ.get(TACENDA_CONFIG):
        return True
    return find_configuration().path is not None
