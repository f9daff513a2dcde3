"""The errors that tacenda raises, for `except` clauses: see the tree in `tacenda._errors`."""

from tacenda._errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    Conflict,
    InvalidReference,
    MissingDependency,
    SecretError,
    SecretLeak,
    SecretNotFound,
    Throttled,
    Unsupported,
)

__all__ = [
    "AccessDenied",
    "BackendUnavailable",
    "ConfigurationError",
    "Conflict",
    "InvalidReference",
    "MissingDependency",
    "SecretError",
    "SecretLeak",
    "SecretNotFound",
    "Throttled",
    "Unsupported",
]
