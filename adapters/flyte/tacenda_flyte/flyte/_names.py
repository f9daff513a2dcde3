"""What a declared secret may be called as a variable, as documented: upstream's check, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["check_names", "refuse_newline"]


def check_names(post_init: Callable[[Any], None], secret: Any) -> None:
    """Let upstream check; refuse a newline after the name too, and propose `as_env_var` for an illegal one."""
    explicit = secret.as_env_var is not None
    try:
        post_init(secret)
    except ValueError as error:
        if explicit or secret.mount:
            raise
        raise ValueError(f'{error}; give {secret.key!r} one: as_env_var="..."') from None
    refuse_newline(secret)


def refuse_newline(secret: Any) -> None:
    """Raise if a variable's name ends in a newline, which upstream's `$` lets pass.

    Raises:
        ValueError: with upstream's text.
    """
    if secret.as_env_var is not None and secret.as_env_var.endswith("\n"):
        raise ValueError(f"Invalid environment variable name: {secret.as_env_var!r}, must match ^[A-Z_][A-Z0-9_]*$")
