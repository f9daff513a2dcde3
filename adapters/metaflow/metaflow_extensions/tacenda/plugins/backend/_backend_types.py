"""Types of secrets providers in Metaflow: which are registered, which are tacenda's, which names they go by."""

from __future__ import annotations

import sys
from typing import Any

__all__ = [
    "CHOSEN_BY",
    "CLOUDS",
    "OURS",
    "PREFIXES",
    "default_type",
    "is_ours",
    "is_registered",
    "is_taken",
    "known_type",
    "provider_of",
    "type_of",
    "type_written",
]

OURS = ("env", "files", "local", "vault")
"""The types that tacenda registers, each called as the provider of tacenda's that serves it."""

CLOUDS = {
    "aws-secrets-manager": "aws_secretsmanager",
    "az-key-vault": "azure_keyvault",
    "gcp-secret-manager": "gcp_secretmanager",
}
"""Metaflow's types whose backends tacenda serves too, and tacenda's provider for each."""

PREFIXES = {"az-key-vault": "AZURE_KEY_VAULT_PREFIX", "gcp-secret-manager": "GCP_SECRET_MANAGER_PREFIX"}
"""Metaflow's setting that says where the names of a type are, and that alone chooses the type."""

CHOSEN_BY = "TACENDA_BACKEND_CHOSEN_BY"
"""The name in `metaflow_config` that says which variable has chosen the secrets backend, for messages."""


def default_type() -> str | None:
    """Return the type that serves a name without one, if Metaflow's configuration has chosen it."""
    from metaflow import metaflow_config

    kind: str | None = metaflow_config.DEFAULT_SECRETS_BACKEND_TYPE
    return kind or None


def is_registered(kind: str) -> bool:
    """Return whether Metaflow knows a type: its own, tacenda's, or another extension's."""
    return kind in _registered()


def is_ours(kind: str) -> bool:
    """Return whether tacenda serves a type; one that another extension registers under such a name is theirs."""
    return kind in OURS and getattr(_registered().get(kind), "served_by_tacenda", False)


def is_taken(kind: str) -> bool:
    """Return whether another extension has registered a type: it stays theirs.

    Metaflow imports all extensions before it registers anything, and the last wins: those before this one are known.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("metaflow_extensions.") and ".plugins" in name:
            described = getattr(module, "SECRETS_PROVIDERS_DESC", ())
            if kind in [described_kind for described_kind, _ in described]:
                return True
    return False


def known_type(written: str) -> str:
    """Return the registered type for any name that tacenda knows its backend by; see `type_written`."""
    return written if is_registered(written) else type_written(written)


def type_written(written: str) -> str:
    """Return the type for a name that tacenda knows its backend by, such as `aws_secretsmanager`; any other as it is.

    Needs the core; without it all names stay as they are.
    """
    try:
        from tacenda._registry import canonical

        provider = canonical(written)
    except Exception:  # noqa: BLE001 - somebody else's type, or none: Metaflow says which there are
        return written
    return type_of(provider) or provider


def provider_of(kind: str) -> str:
    """Return tacenda's provider for a type."""
    return CLOUDS.get(kind, kind)


def type_of(provider: str) -> str | None:
    """Return what Metaflow itself calls the backend of a provider of tacenda's; None if it does not know it."""
    return next((kind for kind, name in CLOUDS.items() if name == provider), None)


def _registered() -> dict[str, Any]:
    from metaflow.plugins import SECRETS_PROVIDERS

    return {provider.TYPE: provider for provider in SECRETS_PROVIDERS}
