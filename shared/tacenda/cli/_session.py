"""What all commands share: the options before and after a command's name, and the stack they lead to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda._config import Configuration
    from tacenda._stack import Stack
    from tacenda._store import SecretStore

__all__ = ["Command", "Session", "common_options", "json_option", "pass_session"]

F = TypeVar("F", bound="Callable[..., Any]")


class Session:
    """What the common options say.

    Attributes:
        stack_name: the stack's name; None leaves it to `TACENDA_STACK` and the configuration.
        config: the configuration file; None leaves it to `TACENDA_CONFIG` and the search.
        no_input: whether prompts are off, even on a terminal.
    """

    def __init__(self) -> None:
        self.stack_name: str | None = None
        self.config: str | None = None
        self.no_input = False

    @property
    def interactive(self) -> bool:
        """Whether somebody can be asked."""
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    def configuration(self) -> Configuration:
        """Read the configuration that holds here."""
        from pathlib import Path

        from tacenda._config import find_configuration, load_file

        return load_file(Path(self.config), trusted=True) if self.config else find_configuration()

    def stack(self) -> Stack:
        """Return the stack that is meant."""
        from tacenda._active import chosen_stack

        return self.configuration().stack(self.stack_name or chosen_stack())

    def store(self) -> SecretStore:
        """Open the store of the stack that is meant."""
        from tacenda._store import SecretStore

        return SecretStore(self.stack())


class Command(click.Command):
    """A command that never repeats an extra argument: it may be a value, typed where none belongs."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            UsageError: if there are too many.
        """
        extra = super().parse_args(ctx, args)
        if extra and not ctx.resilient_parsing:
            raise click.UsageError(
                "there are more arguments than this command takes (they are not repeated here); "
                "a value is never an argument: it comes by prompt, or with `--from-file PATH` or `--from-file -`",
                ctx,
            )
        return extra


pass_session = click.make_pass_decorator(Session, ensure=True)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def common_options(command: F) -> F:
    """Add the options that may stand before or after a command's name; the one after it wins."""
    options = (
        _common("--no-input", is_flag=True, help="Never ask."),
        _common("--config", metavar="FILE", help="The configuration file."),
        _common("--stack", "stack_name", metavar="NAME", help="The stack to work on."),
    )
    for option in options:
        command = option(command)
    return command


def _common(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, callback=_remember, expose_value=False, **settings)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(context.ensure_object(Session), str(parameter.name), value)
