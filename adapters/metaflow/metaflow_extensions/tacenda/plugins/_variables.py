"""The environment variables of a step's secrets, spelled as Metaflow spells them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metaflow.plugins.secrets.utils import validate_env_vars

from metaflow_extensions.tacenda.plugins._fetched import Fetched


def inject(fetched: Sequence[Fetched], *, allow_override: bool) -> None:
    """Set the variables of all secrets, or none: one error lists every clash.

    Values that are not text become JSON text, as with `tacenda run`: a Python repr, which Metaflow's AWS provider
    makes of them, could be read back by Python only.

    Args:
        fetched: what each source holds.
        allow_override: whether variables that exist already may be replaced.

    Raises:
        tacenda.errors.Conflict: if two keys, or a key and the environment, want one variable.
        MetaflowException: if a name is one of Metaflow's own.
    """
    from tacenda import delivery

    # One entry per key, so that an error names the key and sees two keys of one secret that meet.
    entries = {label: {variable: value} for label, variable, value in _spelled(fetched)}
    merged = delivery.merge_variables(entries, None if allow_override else os.environ)
    validate_env_vars(merged)
    delivery.inject(merged)


def _spelled(fetched: Sequence[Fetched]) -> Iterator[tuple[str, str, Any]]:
    """Yield each value's label for messages, the variable for it, and the value."""
    from tacenda._naming import spell

    for source, value, _ in fetched:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield f"{source}#{key}", spell("metaflow", key), item
        else:
            # Metaflow's own providers, too, hand binary secrets over as base64.
            text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
            yield source, spell("metaflow", _last_part(source)), text


def _last_part(source: str) -> str:
    from tacenda._reference import parse_reference

    reference = parse_reference(source)
    if reference is None:
        return source
    return reference.key or reference.segments()[-1]
