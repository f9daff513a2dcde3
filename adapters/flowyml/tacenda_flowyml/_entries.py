"""FlowyML's settings as entries of a tacenda stack.

tacenda's names are the ones that FlowyML documents. What FlowyML 2.2 itself takes is different: one `scope`, which
means another thing to each provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["canonical_name", "tacenda_entry"]

# Which setting `scope` is: in FlowyML's source, what each class in stacks/enterprise/secrets.py does with it.
_SCOPE: Mapping[str, str] = {"env": "prefix", "local": "path", "vault": "vault_path"}
_API_PATH = "secret/data/"


def canonical_name(provider: str) -> str:
    """Return tacenda's name of a provider, for any of its names.

    Raises:
        ConfigurationError: if there is no such provider.
    """
    from tacenda._registry import canonical

    return canonical(provider, "secrets")


def tacenda_entry(section: Any) -> Any:
    """Return an entry of a tacenda stack for a `secrets:` section of FlowyML's; what is none comes back as it is.

    `scope` is a prefix for `env`, a file for `local`, and a path for `vault`: with or without the `secret/data/` of
    Vault's HTTP API before it, which FlowyML documents, and which its own provider takes for a part of the path.
    """
    if not isinstance(section, Mapping) or not isinstance(section.get("provider"), str):
        return section
    provider = canonical_name(section["provider"])
    entry = {str(name): value for name, value in section.items() if name != "scope"}
    scope = section.get("scope")
    if scope is None:
        return entry
    if provider == "vault":
        scope = str(scope).removeprefix(_API_PATH)
    setting = _SCOPE.get(provider, "scope")
    return {**entry, setting if setting not in entry else "scope": scope}
