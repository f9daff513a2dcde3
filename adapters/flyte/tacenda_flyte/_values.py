"""What both SDKs do with values: tell the masker of the platform's, make variables of them, mask them in a page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tacenda._adapters import masked_text
from tacenda._register import register
from tacenda._values import natural
from tacenda.errors import Unsupported

__all__ = ["masked_html", "register_given", "variable_text"]


def register_given(value: Any, name: str, key: str | None = None) -> None:
    """Tell the masker a value that the platform has injected or mounted: what the store does for its own.

    Args:
        value: text, bytes or a bundle.
        name: the secret's name.
        key: its key in the secret, under which it is registered, because HOST is no secret; None for a whole secret,
            of which the leaves of a JSON text are registered too.
    """
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            value = value.decode()
    register(natural(value, name) if key is None else {key: value}, name)


def variable_text(content: bytes, secret: str, variable: str, hint: str) -> str:
    """Return a secret's content as the text of an environment variable.

    Args:
        content: the exact content.
        secret: what a message calls the secret.
        variable: the variable.
        hint: how to declare it as a file.

    Raises:
        Unsupported: if it is no text, or holds a NUL.

    Example:
        >>> variable_text(b"example", "'token'", "TOKEN", "mount it as a file")
        'example'
    """
    with suppress(UnicodeDecodeError):
        text = content.decode()
        if "\x00" not in text:
            return text
    raise Unsupported(f"{secret} is binary and cannot be the environment variable {variable}", hint=hint)


def masked_html(page: Any) -> Any:
    """Return a page masked: text, or what a notebook shows."""
    content = getattr(page, "data", None)  # of IPython's HTML
    return type(page)(masked_text(content)) if isinstance(content, str) else masked_text(page)
