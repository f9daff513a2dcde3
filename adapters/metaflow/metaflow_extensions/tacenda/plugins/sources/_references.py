"""References as sources: in which stack they are asked, and what they are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from metaflow_extensions.tacenda.plugins.backend import _stack
from metaflow_extensions.tacenda.plugins.backend._backend_types import default_type, type_of
from metaflow_extensions.tacenda.plugins.backend._settings import described_stack, describes, has_custom_client
from metaflow_extensions.tacenda.plugins.sources._names import split_version

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["Reference", "is_left_to_metaflow", "parsed", "spelling", "stack_for", "versioned"]


class Reference(NamedTuple):
    """A reference as a source.

    Attributes:
        provider: the provider of tacenda's that serves it; None if there is none, which the stack then says.
        kind: what Metaflow calls that backend, if it knows it.
        key: the key within the secret.
    """

    provider: str | None
    kind: str | None
    key: str | None


def parsed(text: str) -> Reference | None:
    """Return what a reference is about, or None for a plain name.

    Raises:
        InvalidReference: for one that is none, and for what looks like a value.
    """
    from tacenda._reference import parse_reference
    from tacenda._registry import canonical
    from tacenda.errors import ConfigurationError

    reference = parse_reference(text)
    if reference is None:
        return None
    try:
        provider = canonical(reference.backend)
    except ConfigurationError:
        return Reference(None, None, reference.key)
    return Reference(provider, type_of(provider), reference.key)


def is_left_to_metaflow(reference: Reference, text: str, in_force: _stack.InForce) -> bool:
    """Return whether Metaflow's own provider reads a cloud's own form: only it knows somebody else's clients."""
    by_metaflow = in_force.described and reference.kind is not None and reference.key is None
    theirs = not re.match(r"(ref\+)?[a-z_]+://", text) or text.startswith("https://")
    return by_metaflow and theirs and has_custom_client(str(reference.kind))


def stack_for(reference: Reference, in_force: _stack.InForce, role: str | None) -> Stack:
    """Return the stack whose settings hold for a reference: the first that has an entry of its backend.

    Those are the one in force, that of tacenda's configuration, and the one that Metaflow's settings describe for that
    cloud. Without any, the backend is asked with default settings.

    Raises:
        ConfigurationError: for a wrong file.
    """
    stack = in_force.stack
    if stack is not None and _serves(stack, reference):
        return stack
    configured = _stack.with_role(_stack.configured(), role) if in_force.described else stack
    if configured is not None and _serves(configured, reference):
        return configured
    if reference.kind is not None and describes(reference.kind):
        return described_stack(reference.kind, role)
    return stack or configured or _stack.configured()


def spelling(reference: Reference, in_force: _stack.InForce) -> str | None:
    """Return the type of Metaflow's that spells the environment variables of a reference; None for tacenda's rule."""
    theirs = in_force.described and reference.kind == default_type() and reference.key is None
    return reference.kind if theirs else None


def versioned(kind: str, name: str, stack: Stack) -> tuple[str, str]:
    """Return the name and what to ask for, of a name with a version as Metaflow's providers write it."""
    called, version = split_version(kind, name)
    if version is None:
        return name, name
    scheme = "azure" if kind == "az-key-vault" else "gcp"
    prefix = stack.entries[0].settings.get("prefix", "")  # a reference has none of its own
    return called, f"{scheme}://{prefix}{called}?version={quote(version)}"


def _serves(stack: Stack, reference: Reference) -> bool:
    return any(entry.provider == reference.provider for entry in stack.entries)
