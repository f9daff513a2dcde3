"""`tacenda run`: run a command with named secrets in its environment and with its output masked, or become it."""

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
    The exit code is the command's own; if a signal kills it, the same signal ends `tacenda run`.

    What the command and its own children print is masked, `tacenda get` among them. Until all of that has arrived
    this process stays, passes signals on (all but SIGKILL and SIGSTOP, which no program can) and stops and
    continues with the command. --no-mask leaves the output as it is, and the command takes this process over.
    Files that are written are not masked. Masking stops accidents, not intent.
    """
    from tacenda.delivery import child_environment

    if not no_mask:
        from tacenda.masking import install

        install()  # before the values are read: nothing can print one before it is masked
    with session.store() as store:
        secrets = store.get_many(names)
        if not no_mask:
            tell_unmasked(secrets, store.stack.non_secret_keys)
    return _start(command, child_environment(_variables(secrets, override=override)), masked=not no_mask)


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


def _start(command: tuple[str, ...], environment: Mapping[str, str], *, masked: bool) -> int:
    """Run a command, and return its exit code or that of its failure to start."""
    try:
        return (_run_masked if masked else _become)(command, environment)
    except (FileNotFoundError, NotADirectoryError):
        say(f"there is no command {command[0]!r}")
        return NOT_FOUND
    except OSError as error:
        say(f"cannot run {command[0]!r}: {error.strerror}")
        return NOT_EXECUTABLE


def _run_masked(command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    from tacenda.masking import status

    if status().descriptors.active:
        from tacenda.cli._supervise import supervise

        return supervise(command, environment)
    from tacenda.cli._carry import run_masked

    return run_masked(command, environment)


def _become(command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Replace this process by a command, where a system can do that."""
    if sys.platform == "win32":
        import subprocess

        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the user's own
    from tacenda.cli._supervise import IGNORED_BY_PYTHON

    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    return os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own
