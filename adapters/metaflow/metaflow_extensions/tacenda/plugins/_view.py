"""`current.secrets`: what a step's sources hold, by the name of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaflow_extensions.tacenda.plugins._fetched import Fetched
    from tacenda import SecretBundle

__all__ = ["view"]


def view(fetched: Sequence[Fetched]) -> SecretBundle:
    """Return a bundle of bundles: read-only, masked in repr, never pickled."""
    from tacenda import SecretBundle

    return SecretBundle({secret.source: secret.value for secret in fetched}, "current.secrets")
