"""What a source has given: the seam between fetching, `current.secrets` and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Fetched"]


class Fetched(NamedTuple):
    """One source of a step, fetched.

    Attributes:
        source: as it was written; the `id` of a dict. No two of a step are the same.
        value: the secret in its natural type.
        variables: the environment variables that Metaflow's own provider makes of it; None where tacenda's rule
            holds: the keys of a bundle, or the source's short name.
        called: what the source has become, if that is not what was written: `{namespace}` filled in, the version left
            out of `NAME/VERSION`. Short names are of this; two sources of a step may share it.
    """

    source: str
    value: Any
    variables: Mapping[str, str] | None = None
    called: str | None = None
