"""`tacenda ls` and `tacenda rm`: which secrets there are, and one fewer."""

from __future__ import annotations

import click

from tacenda.cli._output import print_json, printable, say
from tacenda.cli._session import Command, Session, common_options, json_option, pass_session

__all__ = ["ls", "rm"]


@click.command(cls=Command)
@click.argument("prefix", default="")
@json_option
@common_options
@pass_session
def ls(session: Session, *, prefix: str, as_json: bool) -> None:
    """List the names of the secrets, with their backend, never values."""
    with session.store() as store:
        found = sorted(store.list(prefix))
    if as_json:
        print_json([info._asdict() for info in found])
        return
    width = max((len(printable(info.name)) for info in found), default=0)
    for info in found:
        click.echo(f"{printable(info.name):{width}}  {info.backend}")


@click.command(cls=Command)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@pass_session
def rm(session: Session, *, name: str, yes: bool) -> None:
    """Delete a secret, after asking; in a stack that is one document, one key of it."""
    if not yes and not session.interactive:
        raise click.UsageError("there is no terminal to ask whether to delete it: say `--yes`")
    with session.store() as store:
        if not yes and not click.confirm(f"Delete {name!r} from stack {store.stack.name!r}?", err=True):
            say("nothing was deleted")
            raise click.exceptions.Exit(1)
        store.delete(name)
    say(f"deleted {name!r}")
