"""`tacenda mask`: another program's output, masked with what the stack holds."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from tacenda._errors import AccessDenied, SecretNotFound, Unsupported
from tacenda.cli._carry import carry
from tacenda.cli._session import Command, Session, common_options, pass_session
from tacenda.cli._unmasked import tell_unmasked

if TYPE_CHECKING:
    from tacenda._store import SecretStore

__all__ = ["mask"]


@click.command(cls=Command)
@click.option("--secret", "names", metavar="NAME", multiple=True, help="What to mask instead of all; repeatable.")
@common_options
@pass_session
def mask(session: Session, *, names: tuple[str, ...]) -> None:
    """Copy standard input to standard output, with the values of the stack's secrets masked.

    Use it behind a program: `some-program 2>&1 | tacenda mask --stack prod`. Without --secret everything is masked
    that the stack lists; what a provider does not list (the environment's variables) has to be named. If a secret
    cannot be read, nothing is passed on. Masking stops accidents, not intent.
    """
    if sys.stdin is None or sys.stdout is None:
        raise click.ClickException("standard input or standard output is closed, so there is nothing to do")
    with session.store() as store:
        secrets = store.get_many(names or _listed(store))  # which registers their values
        tell_unmasked(secrets, store.stack.non_secret_keys)
    if not sys.stdin.isatty():
        # Ctrl-C reaches both programs; what the other one says about it is still to be passed on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        carry(sys.stdin.fileno(), sys.stdout.buffer)
    except BrokenPipeError:  # nobody reads any more, which is no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at the end


def _listed(store: SecretStore) -> list[str]:
    try:
        names = [info.name for info in store.list()]
    except (Unsupported, AccessDenied) as refusal:
        refusal.hint = "name what to mask with `--secret NAME`, which needs no listing"
        raise
    if not names:
        raise SecretNotFound(
            f"stack {store.stack.name!r} lists no secret, so there is nothing to mask",
            hint="see `tacenda ls`, or name what to mask with `--secret NAME`",
        )
    return names
