"""What is not masked, so that output stays readable: keys that hold no secret, short values, common words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["MIN_LENGTH", "NON_SECRET_KEYS", "is_secret_key", "why_not_masked"]

MIN_LENGTH = 6
"""Shorter values are not masked: too much of ordinary output would be (users.md, checklist 14). Characters."""

NON_SECRET_KEYS = frozenset(
    {
        "auth_provider_x509_cert_url",
        "auth_uri",
        "client_email",
        "client_id",
        "client_x509_cert_url",
        "database",
        "db",
        "dbname",
        "endpoint",
        "engine",
        "environment",
        "host",
        "hostname",
        "port",
        "project",
        "project_id",
        "region",
        "schema",
        "token_uri",
        "type",
        "universe_domain",
        "url",
        "user",
        "username",
    }
)
"""Keys whose values are neither masked nor guarded, in lower case; a stack may change the list (`non_secret_keys`)."""


def is_secret_key(key: str | None, non_secret_keys: AbstractSet[str] = NON_SECRET_KEYS) -> bool:
    """Return whether the value under a key is a secret; a value without a key always is.

    Example:
        >>> is_secret_key("PASSWORD"), is_secret_key("HOST"), is_secret_key(None)
        (True, False, True)
    """
    return key is None or key.lower() not in non_secret_keys


def why_not_masked(value: str | bytes, min_length: int = MIN_LENGTH) -> str | None:
    """Return why a value is not masked, to follow the secret's name in a sentence; None if it is masked.

    Example:
        >>> why_not_masked("1234")
        'is shorter than 6 characters'
        >>> why_not_masked("example-token")
    """
    if len(value) < min_length:
        return f"is shorter than {min_length} characters"
    return None
