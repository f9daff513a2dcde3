"""One secrets layer for workflow orchestrators: declare a secret once, resolve it the same way everywhere.

>>> import tacenda
>>> with tacenda.testing.override({"api-keys": {"API_KEY": "example-key"}}):
...     tacenda.get("api-keys", "API_KEY")
<Secret [masked]>

Importing this package imports no SDK, no orchestrator, and of tacenda itself only what is used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, for type checkers, without the import
if TYPE_CHECKING:
    from tacenda import errors, masking, testing
    from tacenda._process import get, get_many
    from tacenda._store import SecretStore, open_store
    from tacenda._values import Secret, SecretBundle, SecretBytes, SecretInfo, reveal

__version__ = "0.1.0"

__all__ = [
    "Secret",
    "SecretBundle",
    "SecretBytes",
    "SecretInfo",
    "SecretStore",
    "__version__",
    "errors",
    "get",
    "get_many",
    "masking",
    "open_store",
    "reveal",
    "testing",
]

_HOMES = {
    "Secret": "tacenda._values",
    "SecretBundle": "tacenda._values",
    "SecretBytes": "tacenda._values",
    "SecretInfo": "tacenda._values",
    "SecretStore": "tacenda._store",
    "get": "tacenda._process",
    "get_many": "tacenda._process",
    "open_store": "tacenda._store",
    "reveal": "tacenda._values",
}
_MODULES = ("errors", "masking", "testing")


def __getattr__(name: str) -> object:
    if name not in _HOMES and name not in _MODULES:
        raise AttributeError(f"module 'tacenda' has no attribute {name!r}")
    from importlib import import_module

    value: object = import_module(f"tacenda.{name}") if name in _MODULES else getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
