"""`tacenda check`: what is configured, whether it answers, and what is risky about it. Never a value."""

from __future__ import annotations

import click

from tacenda._errors import worst
from tacenda.cli._exit import exit_code
from tacenda.cli._output import print_json
from tacenda.cli._session import Command, Session, common_options, json_option, pass_session

__all__ = ["check"]


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@common_options
@pass_session
def check(session: Session, *, names: tuple[str, ...], as_json: bool) -> int:
    """Tell which configuration and stack serve here, whether their backends answer, and what is risky.

    With names: also whether each of those secrets can be read. The exit code is 0, or that of the worst error;
    warnings do not change it.
    """
    from tacenda.cli._inspect import inspect

    report = inspect(session, names)
    if as_json:
        print_json(report.as_json())
    else:
        report.show()
    errors = report.errors()
    return exit_code(worst(errors)) if errors else 0
