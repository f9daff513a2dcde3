"""The group that holds the commands, and what becomes of their errors: one message and an exit code, no traceback."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import NoReturn

import click

from tacenda import __version__
from tacenda._errors import SecretError
from tacenda.cli._check import check
from tacenda.cli._exit import INTERRUPTED, exit_code
from tacenda.cli._get import get
from tacenda.cli._list import ls, rm
from tacenda.cli._mask import mask
from tacenda.cli._run import run
from tacenda.cli._session import Session, common_options
from tacenda.cli._set import set_, update
from tacenda.masking._registry import MASKING

__all__ = ["cli", "main"]


_EXIT_CODES = """Exit codes: 1 error, 2 wrong usage, 3 missing, 4 denied, 5 throttled or unavailable; `run` ends with
its command's own."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES)
@click.version_option(__version__, message="tacenda %(version)s")
@common_options
@click.pass_context
def cli(context: click.Context) -> None:
    """Secrets of the active stack, whatever backend serves them.

    Values are read from a prompt, standard input or a file, never from the command line.
    """
    context.ensure_object(Session)
    if os.environ.get("NO_COLOR"):
        context.color = False


for command in (get, set_, update, ls, rm, run, mask, check):
    cli.add_command(command)


def main() -> int:
    """Run the command that the arguments say, and return its exit code: the console entry point."""
    # Messages of the core look like the command's own. Which values are not masked is news in `run` and `mask` alone,
    # which say so themselves, of the secrets that were asked for.
    os.environ.pop(MASKING, None)  # what somebody asks `get` for is shown; `run` sets it for its command
    logging.basicConfig(format="tacenda: %(message)s")
    logging.getLogger("tacenda.masking").setLevel(logging.ERROR)
    # Google's SDK tells everybody on an older Python, at each start, what it is going to drop some day.
    warnings.filterwarnings("ignore", "You are using a (non-supported )?Python version", FutureWarning)
    try:
        code = cli.main(prog_name="tacenda", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        _interrupted()
    except SecretError as error:
        click.echo(f"tacenda: {error}", err=True)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 - a traceback could show a value
        click.echo(f"tacenda: {_unexpected(error)}", err=True)
        return 1
    return code if isinstance(code, int) else 0


def _interrupted() -> NoReturn:
    # Not sys.exit: reads that still run in other threads would keep the process for as long as they are retried.
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _unexpected(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{Path(at.tb_frame.f_code.co_filename).name}, line {at.tb_lineno}" if at else "an unknown place"
    return f"unexpected {type(error).__name__} in {place}; its text is withheld, because it could hold a value"
