"""The one masker of this process: two would each know only half of the secrets (CVE-2025-68438)."""

from __future__ import annotations

import os

from tacenda.masking._engine import Masker

__all__ = ["registry"]

_REGISTRY = Masker()


def registry() -> Masker:
    """Return the process-wide masker, with which every value is registered before it is handed out.

    Example:
        >>> registry() is registry()
        True
    """
    return _REGISTRY


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_REGISTRY.reset_lock)
