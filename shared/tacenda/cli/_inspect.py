"""What `tacenda check` looks at: the configuration, the stack, its backends, named secrets, and what is risky."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tacenda import _registry
from tacenda._active import chosen_stack
from tacenda._config import TACENDA_CONFIG, TACENDA_STACK
from tacenda._errors import SecretError
from tacenda._store import SecretStore
from tacenda.cli._adapters import adapters
from tacenda.cli._git import exposed_files, plain_file, secret_files
from tacenda.cli._report import Asked, Choice, Report
from tacenda.masking import registry
from tacenda.masking._output._install import why_no_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tacenda._config import Configuration
    from tacenda._registry import Entry
    from tacenda._stack import Stack
    from tacenda.cli._adapters import Adapter
    from tacenda.cli._session import Session
    from tacenda.providers import Provider

__all__ = ["inspect"]

_ABILITIES = ("write", "update", "delete", "list", "versions", "tags")
_PRODUCTION = re.compile(r"(?:^|[^a-z])prod(?:uction)?(?:$|[^a-z])", re.IGNORECASE)


def inspect(session: Session, names: Sequence[str]) -> Report:
    """Return what is configured here, whether it answers, and what is risky about it.

    Args:
        session: the options.
        names: secrets to be read as well, each of them once and without patience.

    Raises:
        ConfigurationError: if there is no stack to look at.
    """
    configuration = session.configuration()
    stack = configuration.stack(session.stack_name or chosen_stack())
    asked, opened = [], []
    for entry in stack.entries:
        answer, provider = _ask(entry, stack)
        asked.append(answer)
        if provider is not None:
            opened.append(provider)
    installed = adapters()
    return Report(
        configuration=_chosen_configuration(session, configuration),
        stack=Choice(stack.name, _why_stack(session, configuration)),
        providers=asked,
        secrets=_read(stack, names),
        adapters=installed,
        masking=_masking(),
        warnings=list(dict.fromkeys(_warnings(stack, opened, installed))),
    )


def _chosen_configuration(session: Session, configuration: Configuration) -> Choice:
    if configuration.path is None:
        return Choice(None, "the environment serves, then mounted files")
    if session.config:
        why = "named by --config"
    elif os.environ.get(TACENDA_CONFIG):
        why = f"named by {TACENDA_CONFIG}"
    else:
        why = "the first from the working directory upwards"
    return Choice(str(configuration.path), why)


def _why_stack(session: Session, configuration: Configuration) -> str:
    if session.stack_name:
        return "named by --stack"
    if chosen_stack():
        return f"named by {TACENDA_STACK}"
    return "default_stack" if configuration.path and configuration.default_stack else "the only one"


def _ask(entry: Entry, stack: Stack) -> tuple[Asked, Provider | None]:
    try:
        provider = _registry.open_provider(entry, stack.base)
    except SecretError as error:
        return Asked(entry.provider, error), None
    provider.protect = registry().add
    can = ["read", *(what for what in _ABILITIES if getattr(provider.capabilities, what))]
    try:
        provider.check()
    except SecretError as error:
        return Asked(provider.describe(), error, can), provider
    return Asked(provider.describe(), None, can), provider


def _masking() -> dict[str, str | None]:
    # Log records and streams are masked wherever Python runs.
    return {"logging": None, "streams": None, "descriptors": why_no_descriptors()}


def _read(stack: Stack, names: Sequence[str]) -> list[Asked]:
    failures = {}
    try:
        with SecretStore(stack._replace(deadline=0.0)) as store:
            store.get_many(names)
    except SecretError as error:
        failures = error.failures or dict.fromkeys(names, error)
    return [Asked(name, failures.get(name)) for name in names]


def _warnings(stack: Stack, providers: Sequence[Provider], installed: Sequence[Adapter]) -> Iterator[str]:
    for provider in providers:
        if plain_file(provider) and _PRODUCTION.search(stack.name):
            yield (
                f"stack {stack.name!r} keeps its secrets in a plain file: encrypt it (a path that ends in .age), "
                "or use a server"
            )
        yield from getattr(provider, "findings", list)()
    yield from exposed_files(stack.base, [file for provider in providers for file in secret_files(provider)])
    for adapter in installed:
        if adapter.wrong:
            yield f"{adapter.orchestrator} is installed, and tacenda does not serve its secrets: {adapter.note}"
