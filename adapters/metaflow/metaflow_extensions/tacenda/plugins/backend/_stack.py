"""Which stack is in force for plain names in a flow, and why.

In this order: `TACENDA_CONFIG` and `TACENDA_STACK`, which somebody has set for tacenda; Metaflow's backend type, or the
prefix of one cloud; a configuration file that is found; else tacenda's default, env and files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from metaflow_extensions.tacenda.plugins._carried import was_found
from metaflow_extensions.tacenda.plugins.backend._backend_types import CLOUDS, default_type, is_ours, provider_of
from metaflow_extensions.tacenda.plugins.backend._settings import (
    chosen_by,
    described_stack,
    has_custom_client,
    has_two_prefixes,
    refuse_two_prefixes,
)

if TYPE_CHECKING:
    from tacenda._stack import Stack
    from tacenda._store import SecretStore

__all__ = [
    "InForce",
    "configured",
    "described_by",
    "for_references",
    "in_force",
    "is_chosen",
    "of_provider",
    "store_for",
    "with_role",
]


class InForce(NamedTuple):
    """What serves plain names.

    Attributes:
        stack: the stack; None where Metaflow's own machinery does: a type of somebody else's, or their clients.
        reason: what has decided that, for messages.
        described: whether Metaflow's settings describe the stack, and no configuration of tacenda's.
    """

    stack: Stack | None
    reason: str
    described: bool


def in_force(role: str | None = None) -> InForce:
    """Return what serves plain names.

    Args:
        role: the role of the decorator, which stacks of AWS assume instead of their own.

    Raises:
        ConfigurationError: for a wrong file, or two prefixes and no type.
    """
    if is_chosen():
        return _configured(role)
    refuse_two_prefixes()
    kind = default_type()
    if kind is None:
        return _configured(role)
    if is_ours(kind):
        return InForce(of_provider(kind), chosen_by(), described=False)
    if kind not in CLOUDS or has_custom_client(kind):
        return InForce(None, chosen_by(), described=True)
    return InForce(described_stack(kind, role), chosen_by(), described=True)


def for_references(role: str | None = None) -> InForce:
    """Return what serves plain names, for its settings: two prefixes are no error, since a reference names its backend.

    Raises:
        ConfigurationError: for a wrong file.
    """
    if not is_chosen() and has_two_prefixes():
        return InForce(None, "the prefixes of two clouds", described=True)
    return in_force(role)


def is_chosen() -> bool:
    """Return whether somebody has chosen tacenda's configuration by its own variables."""
    named = os.environ.get("TACENDA_CONFIG")
    # In a container the stack of a file that was merely found, where the flow was deployed from, has that variable too.
    return bool(os.environ.get("TACENDA_STACK") or (named and not was_found(named)))


def configured() -> Stack:
    """Return the stack of tacenda's own configuration.

    Raises:
        ConfigurationError: for a wrong file, or a stack that is not there.
    """
    from tacenda._active import chosen_stack
    from tacenda._config import find_configuration

    return find_configuration().stack(chosen_stack())


def of_provider(kind: str) -> Stack:
    """Return tacenda's stack with nothing but its own entries of a provider; without any, one with default settings."""
    from tacenda._registry import Entry

    stack = configured()
    own = tuple(entry for entry in stack.entries if entry.provider == provider_of(kind))
    if own:
        return stack._replace(entries=own)
    return stack._replace(name=kind, source=f"Metaflow's type {kind!r}", entries=(Entry(provider_of(kind), {}),))


def described_by(kind: str, options: Mapping[str, Any]) -> Stack:
    """Return the stack that the options of a source describe: the settings of one provider.

    Raises:
        ConfigurationError: for a setting that there is not, and for a credential: the flow's code is no place for one.
    """
    from tacenda._config import working_directory
    from tacenda._stack import stack_from_mapping

    settings = {"secrets": {"provider": provider_of(kind), **options}}
    return stack_from_mapping(kind, settings, working_directory(), "@secrets")


def store_for(stack: Stack) -> SecretStore:
    """Return the store that a stack is asked through: the process-wide one, if it serves that very stack."""
    from tacenda import _process
    from tacenda.errors import SecretError

    try:
        usual = _process.process_store()
    except SecretError:  # a wrong file matters to those who ask it
        return _process.store_of(stack)
    return usual if usual.stack == stack else _process.store_of(stack)


def _configured(role: str | None) -> InForce:
    stack = configured()
    chosen = os.environ.get("TACENDA_STACK")
    reason = f"TACENDA_STACK={chosen} in {stack.source}" if chosen else stack.source
    return InForce(with_role(stack, role), reason, described=False)


def with_role(stack: Stack, role: str | None) -> Stack:
    """Return a stack whose entries on AWS assume a role; the same stack without one."""
    if not role:
        return stack
    roles = {"aws_secretsmanager": {"role_arn": role}}
    return stack._replace(
        entries=tuple(
            entry._replace(settings={**entry.settings, **roles.get(entry.provider, {})}) for entry in stack.entries
        )
    )
