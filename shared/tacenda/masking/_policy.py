"""What is not masked, so that output stays readable: keys that hold no secret, short values, common words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["COMMON", "MIN_LENGTH", "NON_SECRET_KEYS", "is_secret_key", "why_not_masked"]

MIN_LENGTH = 6
"""Shorter values are not masked, because ordinary output is full of such words and numbers. Characters."""

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

COMMON = frozenset(
    {
        *("true", "false", "null", "none", "undefined", "enabled", "disabled", "unknown"),  # literals
        *("localhost", "127.0.0.1", "0.0.0.0", "::1", "example.com"),  # noqa: S104 - hosts everybody has
        *("development", "production", "staging", "testing", "default", "public", "private"),  # environments
        *("password", "secret", "secrets", "token", "username", "api_key", "api-key", "apikey"),  # names of secrets
        *("service_account", "authorized_user", "bearer", "basic", "opaque"),  # kinds of credentials
        *("postgres", "postgresql", "mysql", "mongodb", "redis", "rabbitmq", "docker", "kubernetes"),  # programs
        *("airflow", "flowyml", "flyte", "metaflow", "tacenda", "zenml"),  # orchestrators
        *("ascii", "base64", "binary", "utf-8", "masked", "[masked]"),  # encodings, and what stands in for a value
    }
)
"""Values that ordinary output is full of, in lower case: masking them hides nothing and makes logs unreadable.

Weak passwords such as `changeme` are not listed: ordinary output does not hold them, so they are masked.
"""


def is_secret_key(key: str | None, non_secret_keys: AbstractSet[str] = NON_SECRET_KEYS) -> bool:
    """Return whether the value under a key is a secret; a value without a key always is.

    Example:
        >>> is_secret_key("PASSWORD"), is_secret_key("HOST"), is_secret_key(None)
        (True, False, True)
    """
    return key is None or key.lower() not in non_secret_keys


def why_not_masked(value: str | bytes, min_length: int = MIN_LENGTH) -> str | None:
    """Return why a value is not masked, to follow the secret's name in a sentence; None if it is masked.

    Numbers and dates are masked like anything else: nobody can tell a PIN from a count.

    Args:
        value: text or bytes. Whitespace around it does not count.
        min_length: the fewest characters of text, or bytes, that are masked.

    Example:
        >>> why_not_masked("1234")
        'is shorter than 6 characters'
        >>> why_not_masked("localhost")
        'is a word that ordinary output holds'
        >>> why_not_masked("example-token")
    """
    core = value.strip()
    if not core:
        return "is blank"
    if len(core) < min_length:
        return f"is shorter than {min_length} characters"
    if len(set(core)) == 1 and not core.isalnum():
        return "is one punctuation mark over and over"
    text = core if isinstance(core, str) else core.decode("ascii", "replace")
    if text.lower() in COMMON:
        return "is a word that ordinary output holds"
    return None
