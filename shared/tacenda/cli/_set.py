"""`tacenda set` and `tacenda update`: write a whole secret, or merge keys into one."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from tacenda.cli._input import bundle, exact, from_file_option, read_value, refuse_value
from tacenda.cli._output import print_json, say
from tacenda.cli._session import Command, Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from tacenda._values import SecretInfo

__all__ = ["set_", "update"]


def _tags(context: click.Context, parameter: click.Parameter, written: tuple[str, ...]) -> dict[str, str] | None:
    pairs = [text.partition("=") for text in written]
    if not all(name and equals for name, equals, _ in pairs):
        raise click.BadParameter("a tag is KEY=VALUE", context, parameter)
    return {name: value for name, _, value in pairs} or None


@click.command(name="set", cls=Command)
@click.argument("name", callback=refuse_value)
@from_file_option
@click.option("--bundle", "keys", is_flag=True, help="The input is a JSON object: several keys and their values.")
@click.option("--create", is_flag=True, help="Refuse if the secret exists.")
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, callback=_tags, help="Kept beside it; repeatable.")
@json_option
@common_options
@pass_session
def set_(
    session: Session,
    *,
    name: str,
    source: IO[bytes] | None,
    keys: bool,
    create: bool,
    tags: dict[str, str] | None,
    as_json: bool,
) -> None:
    """Write a secret, asking for its value.

    Input is kept byte for byte: UTF-8 as text, anything else as bytes. Without --from-file a terminal is asked,
    twice, without echo.
    """
    data = read_value(session, source, f"Value of {name!r}")
    value = bundle(data) if keys else exact(data)
    if source is not None and not keys and data.count(b"\n") == 1 and data.endswith(b"\n"):
        say("note: the value ends with a newline, which is kept (`printf` adds none, `echo` does)")
    with session.store() as store:
        written = store.set(name, value, create=create, tags=tags)
    _tell(written, as_json)


@click.command(cls=Command)
@click.argument("name", callback=refuse_value)
@click.argument("key", required=False, callback=refuse_value)
@from_file_option
@json_option
@common_options
@pass_session
def update(session: Session, *, name: str, key: str | None, source: IO[bytes] | None, as_json: bool) -> None:
    """Change KEY of a secret, or merge a JSON object of keys into it; its other keys stay as they are."""
    what = f"JSON object to merge into {name!r}" if key is None else f"Value of {key!r} in {name!r}"
    data = read_value(session, source, what)
    values = bundle(data) if key is None else {key: exact(data)}
    with session.store() as store:
        written = store.update(name, values)
    _tell(written, as_json)


def _tell(written: SecretInfo, as_json: bool) -> None:
    if as_json:
        print_json(written._asdict())
        return
    version = f", version {written.version}" if written.version else ""
    say(f"wrote {written.name!r} ({written.backend}{version})")
