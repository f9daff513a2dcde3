"""Which keys hold no secret: host names, ports and the like stay readable, or every log line would be masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["NON_SECRET_KEYS", "is_secret_key"]

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
