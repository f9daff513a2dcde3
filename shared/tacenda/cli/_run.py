"""`tacenda run`: start a command with named secrets in its environment, and become it, with its output masked."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from tacenda._errors import Conflict
from tacenda.cli._exit import NOT_EXECUTABLE, NOT_FOUND
from tacenda.cli._output import say
from tacenda.cli._session import Command, Session, common_options, pass_session
from tacenda.cli._unmasked import tell_unmasked

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run"]

_OPTIONS = {"allow_interspersed_args": False}


@click.command(cls=Command, context_settings=_OPTIONS)
@click.option("--secret", "names", metavar="NAME", multiple=True, required=True, help="What to inject; repeatable.")
@click.option("--override", is_flag=True, help="Let the secrets replace variables that are set already.")
@click.option("--no-mask", is_flag=True, help="Leave the command's output as it is.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
@common_options
@pass_session
def run(session: Session, *, names: tuple[str, ...], override: bool, no_mask: bool, command: tuple[str, ...]) -> int:
    """Run a command with the named secrets as environment variables, and nothing else.

    The keys of a bundle are the variables; a text is one variable with the secret's name (my-token is MY_TOKEN).
    The exit code is the command's own.

    What the command and its own children print is masked, `tacenda get` among them; --no-mask leaves it as it is.
    Files that they write are not masked. Masking stops accidents, not intent.
    """
    from tacenda.delivery import child_environment

    if not no_mask:
        from tacenda.masking._output._install import install

        install()  # before the values are read: nothing can print one before it is masked
    with session.store() as store:
        secrets = store.get_many(names)
        if not no_mask:
            tell_unmasked(secrets, store.stack.non_secret_keys)
    return _become(command, child_environment(_variables(secrets, override=override)), masked=not no_mask)


def _variables(secrets: Mapping[str, object], *, override: bool) -> dict[str, str]:
    from tacenda.delivery import merge_variables

    if override:
        return merge_variables(secrets)
    wanted: dict[str, str] = {}
    with suppress(Conflict):  # told below, together with the clashes with the environment
        wanted = merge_variables(secrets)
    try:
        # A variable that has the very value already is no clash: the env provider reads just those.
        return merge_variables(secrets, {name: text for name, text in os.environ.items() if wanted.get(name) != text})
    except Conflict as clash:
        clash.hint = f"{clash.hint}; `--override` replaces what is set already"
        raise


def _become(command: tuple[str, ...], environment: Mapping[str, str], *, masked: bool) -> int:
    """Replace this process by a command, where its descriptors can be masked; else wait for it. Return an exit code."""
    try:
        if masked and not _descriptors_are_masked():
            from tacenda.cli._carry import run_masked

            return run_masked(command, environment)
        if sys.platform == "win32":
            import subprocess

            return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the user's own
        # Python ignores these, and a program inherits that: `tacenda run … -- yes | head` would never end well.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own
    except (FileNotFoundError, NotADirectoryError):
        say(f"there is no command {command[0]!r}")
        return NOT_FOUND
    except OSError as error:
        say(f"cannot run {command[0]!r}: {error.strerror}")
        return NOT_EXECUTABLE


def _descriptors_are_masked() -> bool:
    from tacenda.masking._output._install import status

    return status().descriptors.active
