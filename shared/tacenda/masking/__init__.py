"""Replacing secret values in output. Best effort and no boundary: it stops accidents, not intent.

Every value is registered with the process-wide `registry()` before the store hands it out, and the store
never removes one. `install()` puts that masker between this process, with all that it starts, and its output.

Example:
    >>> import tacenda
    >>> tacenda.masking.install()  # doctest: +SKIP
    >>> print(tacenda.get("api-keys", "API_KEY"))  # doctest: +SKIP
    [masked]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._engine import Masker
from tacenda.masking._policy import NON_SECRET_KEYS, is_secret_key
from tacenda.masking._registry import registry
from tacenda.masking._stream import MaskStream

if TYPE_CHECKING:
    from tacenda.masking._guard import allow_leak, find_leaks, refuse_leaks
    from tacenda.masking._output import install, status, uninstall

__all__ = [
    "NON_SECRET_KEYS",
    "MaskStream",
    "Masker",
    "allow_leak",
    "find_leaks",
    "install",
    "is_secret_key",
    "refuse_leaks",
    "registry",
    "status",
    "uninstall",
]

_HOMES = {
    "allow_leak": "tacenda.masking._guard",
    "find_leaks": "tacenda.masking._guard",
    "install": "tacenda.masking._output",
    "refuse_leaks": "tacenda.masking._guard",
    "status": "tacenda.masking._output",
    "uninstall": "tacenda.masking._output",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tacenda.masking' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
