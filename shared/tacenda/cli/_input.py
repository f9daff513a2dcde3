"""Where values come from: a prompt that does not echo, standard input, or a file. Never an argument."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.cli._session import Session

__all__ = ["bundle", "exact", "from_file_option", "read_value", "refuse_value"]

from_file_option = click.option(
    "--from-file",
    "source",
    type=click.File("rb"),
    metavar="PATH",
    help="Read the value from a file, or from standard input with `-`; every byte is kept.",
)


def read_value(session: Session, source: IO[bytes] | None, what: str) -> bytes:
    """Return a value exactly as it was given.

    Args:
        session: says whether somebody can be asked.
        source: an open file; None asks at a prompt, twice.
        what: what the prompt asks for.

    Raises:
        UsageError: if there is nobody to ask.
    """
    if source is not None:
        return source.read()
    if not session.interactive:
        raise click.UsageError(
            "there is no terminal to ask for the value: pipe it in with `--from-file -`, or name a file"
        )
    text: str = click.prompt(what, hide_input=True, confirmation_prompt="The same again", err=True)
    return text.encode("utf-8", "surrogateescape")


def exact(data: bytes) -> str | bytes:
    """Return text for bytes that are UTF-8, and other bytes as they are."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def bundle(data: bytes) -> dict[str, Any]:
    """Return the keys of a JSON object.

    Raises:
        UsageError: if it is none, or names a key twice; with the place, never the content.
    """
    problem = "it is not a JSON object"
    try:
        content = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_json)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except _Refused as refusal:
        problem = str(refusal)
    except (UnicodeDecodeError, RecursionError):
        pass
    else:
        if isinstance(content, dict):
            return content
    raise click.UsageError(f"the input must be a JSON object of keys and values: {problem}")


def refuse_value(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Refuse `NAME=VALUE` where a name to write belongs, and do not repeat it: a callback for arguments."""
    if text is not None and "=" in text.partition("://")[0]:
        raise click.UsageError(
            f"{parameter.human_readable_name} has a '=' in it (it is not repeated here); a value is never an argument: "
            "it comes by prompt, or with `--from-file PATH` or `--from-file -`",
            context,
        )
    return text


class _Refused(ValueError):
    """JSON that Python would take and that would lose something."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"the key {twice!r} is there twice")
    return content


def _no_json(constant: str) -> Callable[..., Any]:
    raise _Refused(f"{constant} is no JSON value")
