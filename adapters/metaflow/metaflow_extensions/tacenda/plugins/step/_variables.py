"""The environment variables of a step's secrets, spelled as Metaflow spells them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from metaflow.plugins.secrets import utils

from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.sources._names import short_names
from metaflow_extensions.tacenda.plugins.sources._spelling import as_tacenda

__all__ = ["inject", "settable"]


def inject(fetched: Sequence[Fetched], *, allow_override: bool, prefix: str | None = None) -> None:
    """Set the variables of all secrets, or none: one error lists everything that is in the way.

    Where Metaflow's own provider would have made the variables, they are those. Else the keys of a bundle are, or the
    short name of a source that has none; see `as_tacenda`.

    Args:
        fetched: what each source holds.
        allow_override: whether variables that exist already may be replaced.
        prefix: what all these variables begin with: with `PROD_` the key API_KEY is in PROD_API_KEY.

    Raises:
        tacenda.errors.Conflict: if two keys, or a key and the environment, want one variable, or a variable would be
            one of Metaflow's or tacenda's own, or cannot be one.
        tacenda.errors.InvalidReference: if the prefix is no beginning of a variable, or no variable can hold a value.
    """
    from tacenda import delivery

    delivery.inject(settable(fetched, allow_override=allow_override, prefix=prefix))


def settable(fetched: Sequence[Fetched], *, allow_override: bool, prefix: str | None = None) -> dict[str, str]:
    """Return the variables that `inject` sets, each with its value; nothing is set. For its arguments, see there.

    Raises:
        SecretError: as `inject`.
    """
    from tacenda import delivery
    from tacenda.errors import Conflict, InvalidReference

    prefix = "" if prefix is None else prefix
    if prefix != "" and not _is_legal(prefix):
        raise InvalidReference(
            f"prefix={prefix!r} is no beginning of a variable: letters, digits and _, not a digit first",
            hint="write it as in prefix='PROD_'",
        )
    wanted = [(label, prefix + variable, value) for label, variable, value in _spelled(fetched)]
    problems = list(_problems(wanted, {} if allow_override else os.environ))
    if problems:
        raise Conflict(
            f"these variables cannot be set: {'; '.join(problems)}",
            hint="set a prefix=, rename a key, unset the variable or replace it with allow_override=True",
        )
    texts: dict[str, str] = {}
    for label, variable, value in wanted:
        texts |= delivery.merge_variables({label: {variable: value}})  # one by one, so that an error names the key
    return texts


def _spelled(fetched: Sequence[Fetched]) -> Iterator[tuple[str, str, Any]]:
    """Yield each value's label for messages, the variable for it without prefix, and the value."""
    for secret in fetched:
        if secret.variables is not None:
            for variable, text in secret.variables.items():
                yield f"{secret.source}#{variable}", variable, text
        else:
            yield from as_tacenda(secret.source, short_names(secret.called or secret.source)[0], secret.value)


def _problems(wanted: Iterable[tuple[str, str, Any]], taken: Mapping[str, str]) -> Iterator[str]:
    from tacenda._naming import INJECTED, INJECTED_PLAIN

    owners: dict[str, str] = {}
    for label, variable, _ in wanted:
        if not _is_legal(variable):
            yield f"{variable!r}: from {label!r}, and no legal name"
        elif variable.startswith(tuple(utils.DISALLOWED_SECRETS_ENV_VAR_PREFIXES)):
            yield f"{variable}: from {label!r}, and Metaflow's own"
        elif variable in (INJECTED, INJECTED_PLAIN):
            yield f"{variable}: from {label!r}, and tacenda's own"
        elif variable in owners:
            yield f"{variable}: from {owners[variable]!r} and from {label!r}"
        elif variable in taken:
            yield f"{variable}: from {label!r}, and set already"
        owners.setdefault(variable, label)


def _is_legal(variable: object) -> bool:
    return isinstance(variable, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) is not None
