"""Tags of runs, masked: Metaflow stores them with the run, and shows and sends them wherever runs are listed."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from tacenda._adapters import masked_text

__all__ = ["masked_tags"]


def masked_tags(mutate_tags: Any) -> Any:
    """Return `MetadataProvider.mutate_user_tags_for_run`, a class method, which `Run.add_tag` calls."""
    mutate = mutate_tags.__func__

    @functools.wraps(mutate)
    def mutate_masked(
        cls: Any, flow_id: str, run_id: str, tags_to_remove: Any = None, tags_to_add: Iterable[str] | None = None
    ) -> Any:
        if tags_to_add is not None and not isinstance(tags_to_add, str):  # Metaflow refuses one that is not in a list
            tags_to_add = [masked_text(tag) for tag in tags_to_add]
        return mutate(cls, flow_id, run_id, tags_to_remove=tags_to_remove, tags_to_add=tags_to_add)

    return classmethod(mutate_masked)
