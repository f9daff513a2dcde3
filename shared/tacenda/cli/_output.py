"""Writing results to standard output, and messages to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

__all__ = ["print_bytes", "print_json", "printable", "say"]


def print_json(content: Any) -> None:
    """Print JSON in ASCII, which every terminal and every locale can show; bytes in it as base64."""
    from tacenda.providers import encode_leaf

    click.echo(json.dumps(content, indent=2, default=encode_leaf))


def print_bytes(data: bytes) -> None:
    """Write exactly these bytes, at once, so that a closed pipe is noticed here."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(message: str) -> None:
    """Tell the user something that is no result."""
    click.echo(f"tacenda: {message}", err=True)


def printable(name: str) -> str:
    r"""Return a name as a terminal may see it: what a backend holds could be an escape sequence.

    Example:
        >>> printable("api-keys"), printable("\x1b[2J")
        ('api-keys', "'\\x1b[2J'")
    """
    return name if name.isprintable() else ascii(name)
