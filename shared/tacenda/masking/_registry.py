"""The one masker of this process: two would each know only half of the secrets (CVE-2025-68438)."""

from __future__ import annotations

import os

from tacenda.masking._engine import Masker

__all__ = ["MASKING", "registry"]

MASKING = "TACENDA_MASKING"
"""The environment variable that has a process install the masking with its first value, if it is `1`."""


class _Registry(Masker):
    """The masker that `install()` puts before this process's output."""

    def _take(self, data: bytes, name: str) -> None:
        # `install()` sets the variable for the processes that are started from then on: they know nothing of each
        # other's secrets. Called again it covers what somebody has put in its place since, such as Rich's excepthook.
        if os.environ.get(MASKING) == "1":
            from tacenda.masking._output import install

            install()
        super()._take(data, name)


_REGISTRY = _Registry()


def registry() -> Masker:
    """Return the process-wide masker, with which every value is registered before it is handed out.

    Example:
        >>> registry() is registry()
        True
    """
    return _REGISTRY


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_REGISTRY.reset_lock)
