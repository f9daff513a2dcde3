"""What the sources of a step hold: tacenda's are asked for together, Metaflow's own as upstream asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, count
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.backend import _stack
from metaflow_extensions.tacenda.plugins.sources import _metaflows_own
from metaflow_extensions.tacenda.plugins.sources._callables import resolved
from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.sources._names import short_names
from metaflow_extensions.tacenda.plugins.sources._spec import Spec, parse
from metaflow_extensions.tacenda.plugins.sources._spelling import as_metaflow

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["fetch", "fetched_from", "named_apart", "names_of_stacks"]


def fetch(sources: Any, role: str | None, flow: Any = None) -> list[Fetched]:
    """Return what each source holds, in order. All names in one stack are one call: one batch, where it has them.

    Args:
        sources: as declared; functions among them are called.
        role: the decorator's.
        flow: the flow in its task.

    Raises:
        tacenda.SecretError: from tacenda's stack.
        MetaflowException: from Metaflow's own providers, for two sources of one name, or a function that failed.
    """
    specs = named_apart(parse(resolved(sources, flow), role))
    values = _asked(specs)
    return [fetched_from(spec, values) for spec in specs]


def fetched_from(spec: Spec, values: Sequence[tuple[Stack, dict[str, Any]]]) -> Fetched:
    """Return what a source holds, of what stacks hold; Metaflow's own provider is asked here."""
    variables = None
    if spec.metaflows is not None:
        value, variables = _metaflows_own.read(spec.metaflows)
    else:
        value = next(found[spec.name] for stack, found in values if stack == spec.stack)
        if spec.spelled_by:
            variables = as_metaflow(spec.spelled_by, short_names(spec.called)[0], value)
        elif spec.variable:
            variables = as_metaflow("", spec.variable, value)
    return Fetched(spec.source, value, variables, spec.called if spec.called != spec.source else None)


def _asked(specs: Sequence[Spec]) -> list[tuple[Stack, dict[str, Any]]]:
    """Return each stack that is asked, with what it holds; every secret that failed is in one error."""
    from tacenda.errors import SecretError

    found: list[tuple[Stack, dict[str, Any]]] = []
    errors: list[SecretError] = []
    for stack, names in names_of_stacks(specs):
        try:
            found.append((stack, _stack.store_for(stack).get_many(names)))
        except SecretError as error:
            errors.append(error)
    if len(errors) > 1:
        failures = {name: failure for error in errors for name, failure in (error.failures or {"": error}).items()}
        raise SecretError("several stacks could not be read", failures=failures)
    if errors:
        raise errors[0]
    return found


def names_of_stacks(specs: Iterable[Spec]) -> list[tuple[Stack, list[str]]]:
    """Return each stack that is to be asked, with the names to ask it for."""
    stacks: list[tuple[Stack, list[str]]] = []
    for spec in specs:
        if spec.stack is None:
            continue
        names = next((names for stack, names in stacks if stack == spec.stack), None)
        if names is None:  # settings are mappings, so that a stack is no key
            names = []
            stacks.append((spec.stack, names))
        names.append(spec.name)
    return stacks


def named_apart(specs: Sequence[Spec]) -> list[Spec]:
    """Return the sources, each with a name of its own: Metaflow's own may share an `id`, and get numbers.

    Raises:
        MetaflowException: for two other sources of one name, or two that are one secret.
    """
    for one, other in combinations(specs, 2):
        if one.metaflows is not None and other.metaflows is not None:
            continue
        if one.source == other.source:
            raise MetaflowException(f"@secrets has two sources named {one.source!r}: declare each secret once")
        if one.stack is not None and (one.stack, one.name) == (other.stack, other.name):
            raise MetaflowException(
                f"@secrets has two sources that are one secret, {one.source!r} and {other.source!r}: "
                "declare each secret once"
            )
    numbers = {name: count(1) for name, times in Counter(spec.source for spec in specs).items() if times > 1}
    return [
        spec._replace(source=f"{spec.source} ({next(numbers[spec.source])})") if spec.source in numbers else spec
        for spec in specs
    ]
