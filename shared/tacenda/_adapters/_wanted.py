"""`TACENDA_ADAPTERS`: which adapters are active."""

from __future__ import annotations

import os

__all__ = ["TACENDA_ADAPTERS", "is_wanted"]

TACENDA_ADAPTERS = "TACENDA_ADAPTERS"
"""The environment variable that limits which adapters are active: names separated by commas, or `none`."""


def is_wanted(adapter: str) -> bool:
    """Return whether an adapter may be active: each one is, unless `TACENDA_ADAPTERS` leaves it out.

    Args:
        adapter: the orchestrator's name: `metaflow`, `flytekit`, `flyte`, `zenml` or `flowyml`.
    """
    limit = os.environ.get(TACENDA_ADAPTERS, "")
    return not limit or adapter in limit.replace(" ", "").split(",")
