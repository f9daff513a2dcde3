"""What a source has given: the seam between fetching, `current.secrets` and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Fetched"]


class Fetched(NamedTuple):
    """One source of a step, fetched.

    Attributes:
        source: as it was written; the `id` of a dict, without the type of `type.id`.
        value: the secret in its natural type.
        variables: the environment variables that Metaflow's own provider makes of it; None where tacenda's rule
            holds: the keys of a bundle, or the source's short name.
    """

    source: str
    value: Any
    variables: Mapping[str, str] | None = None
