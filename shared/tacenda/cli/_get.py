"""`tacenda get`: print one value, to a program rather than to a screen."""

from __future__ import annotations

import sys
from typing import Any

import click

from tacenda.cli._output import print_bytes, print_json
from tacenda.cli._session import Command, Session, common_options, json_option, pass_session

__all__ = ["get"]


@click.command(cls=Command)
@click.argument("name")
@click.argument("key", required=False)
@click.option("--version", metavar="V", help="An earlier version, where the backend keeps versions.")
@click.option("--reveal", is_flag=True, help="Print the value even to a terminal.")
@json_option
@common_options
@pass_session
def get(session: Session, *, name: str, key: str | None, version: str | None, reveal: bool, as_json: bool) -> None:
    """Print the value of a secret, or of one KEY in it.

    NAME is a name of the stack, or a reference such as vault://secret/ml/training#DB_PASSWORD.

    Exactly the stored text or bytes are written, with no newline added, except on a terminal. With --json: an
    object with name, key, version and value; binary values are base64, with an `encoding` beside them.
    """
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if terminal and not reveal:
        raise click.UsageError("the value would be shown on this terminal: pipe it somewhere, or say `--reveal`")
    from tacenda._resolve import Resolver

    resolver = Resolver(session.stack())  # not the store: value and version come from one read
    found = resolver.read(name, key, version)
    resolver.chain.close()
    if as_json:
        print_json({"name": name, "key": key, "version": found.version, **_described(found.value)})
        return
    data = _stored(found.value)
    if terminal and not data.endswith(b"\n"):
        data += b"\n"
    print_bytes(data)


def _stored(value: Any) -> bytes:
    from tacenda._values import exact_text

    if isinstance(value, bytes):
        return bytes(value)
    return exact_text(value).encode("utf-8", "surrogatepass")


def _described(value: Any) -> dict[str, Any]:
    from tacenda._values import reveal
    from tacenda.providers import encode_leaf

    plain = reveal(value)
    return encode_leaf(plain) if isinstance(plain, bytes) else {"value": plain}
