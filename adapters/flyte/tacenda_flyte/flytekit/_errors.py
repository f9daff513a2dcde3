"""A missing secret as flytekit's page promises it, and nothing else that could be mistaken for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tacenda.errors import ConfigurationError, InvalidReference, SecretError, SecretNotFound

__all__ = ["MissingSecret", "missing", "never_a_value_error"]


class MissingSecret(SecretNotFound, ValueError):
    """Neither the platform nor the stack has the secret; a `ValueError`, because `SecretsManager.get` raises that."""


def missing(said: str, name: str, tried: Sequence[str], stack: SecretNotFound) -> MissingSecret:
    """Return the error for a secret that nobody has: flytekit's words, each place asked, and what to do next.

    Args:
        said: the message of flytekit's own error.
        name: what the secret is called.
        tried: the platform's places, in order.
        stack: the error of tacenda's stack.
    """
    return MissingSecret(
        said,
        name=name,
        tried=[*tried, *(stack.tried or [stack.message])],
        hint="on a cluster, check that the task declares the secret and that the platform has it to inject; "
        f"in tacenda's stack: {stack.hint or 'run `tacenda check`'}",
    )


@contextmanager
def never_a_value_error() -> Iterator[None]:
    """Turn tacenda's errors that are a ValueError into some that are none: here a ValueError says "missing".

    Raises:
        SecretError: with the same message.
    """
    try:
        yield
    except (ConfigurationError, InvalidReference) as error:
        raise SecretError(error.message, name=error.name, tried=error.tried, hint=error.hint) from None
