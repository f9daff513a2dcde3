"""The namespace of a run: known before the run begins, and spelled so that it can be part of a secret's name."""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from metaflow.exception import MetaflowException

__all__ = ["Namespace", "filled_in", "legal", "namespace_before_a_task", "run_namespace"]

PLACEHOLDER = "{namespace}"
_OPTION = "--namespace"


class Namespace(str):
    """A namespace that an f-string spells as a part of a secret's name: `user:tester` as `tester`."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return format(legal(self), form)


def legal(namespace: str) -> str:
    """Return a namespace as a part of a secret's name: without `user:`, and `-` for what no backend takes.

    Example:
        >>> legal("user:ana.b@example.com"), legal("production:flow-0-abcd")
        ('ana-b-example-com', 'production-flow-0-abcd')
    """
    return re.sub(r"[^A-Za-z0-9-]", "-", namespace.removeprefix("user:"))


def run_namespace() -> str | None:
    """Return the namespace of the run that this process starts or is part of; None if it is the global one.

    Metaflow itself tells it only when the command begins, which is after the flow's module, and tells steps always the
    user's own. The command line has it from the beginning, of a step's process too.
    """
    from metaflow import client
    from metaflow.exception import MetaflowUnknownUser
    from metaflow.util import resolve_identity

    written = _option(sys.argv)
    if written is not None:
        return written or None
    chosen = getattr(client.core, "current_namespace", False)  # by `metaflow.namespace(…)`; None is the global one
    if chosen is not False:
        return str(chosen) if chosen else None
    try:
        identity: str = resolve_identity()
    except MetaflowUnknownUser:  # root without a name
        return None
    return identity


def filled_in(source: str) -> str:
    """Return a source with the run's namespace in place of `{namespace}`.

    Raises:
        MetaflowException: if there is none: the global one is no part of a name.
    """
    if PLACEHOLDER not in source:
        return source
    namespace = run_namespace()
    if not namespace:
        raise MetaflowException(
            f"@secrets: {source!r} needs the namespace of the run, which has none\n"
            "  next: name one with `--namespace NAME`, or set METAFLOW_USER"
        )
    return source.replace(PLACEHOLDER, legal(namespace))


class _Property(property):
    """A property that can be marked as tacenda's."""


def namespace_before_a_task(upstream: property) -> property:
    """Return `Current.namespace`, which also knows the namespace where no task runs: while the flow is imported."""

    @functools.wraps(upstream.fget)  # type: ignore[arg-type]
    def namespace(self: Any) -> Any:
        known = upstream.__get__(self)
        if known is not None or self.is_running_flow:
            return known
        found = run_namespace()
        return None if found is None else Namespace(found)

    return _Property(namespace)


def _option(arguments: list[str]) -> str | None:
    """Return what a command line says of the namespace: the last counts, as for Metaflow."""
    found = None
    for position, argument in enumerate(arguments):
        if argument == _OPTION and position + 1 < len(arguments):
            found = arguments[position + 1]
        elif argument.startswith(f"{_OPTION}="):
            found = argument.partition("=")[2]
    return found
