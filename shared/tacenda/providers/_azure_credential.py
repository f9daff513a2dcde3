"""Which credential of azure-identity logs in: `DefaultAzureCredential`, or a service principal that is set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacenda._errors import ConfigurationError
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CREDENTIALS", "LOGIN_SETTINGS", "credential", "protect_credentials"]

CREDENTIALS = frozenset({"client_secret"})
"""What a configuration file may not hold."""
LOGIN_SETTINGS = ("authority", "client_id", "client_secret", "disable_instance_discovery", "tenant_id")

_SECRET_VARIABLES = {
    "AZURE_CLIENT_SECRET": "Azure client secret",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "Azure certificate password",
    "AZURE_PASSWORD": "Azure password",
    "IDENTITY_HEADER": "Azure identity header",
    "MSI_SECRET": "Azure identity header",
}


def credential(settings: Mapping[str, Any], authority: str | None, **pipeline: Any) -> Any:
    """Return a credential of azure-identity, which has not logged in yet.

    With an id and a secret of an application, each from its setting or else its variable, it is that service
    principal. Otherwise it is `DefaultAzureCredential`, where `client_id` chooses a managed or workload identity.

    Args:
        settings: `LOGIN_SETTINGS`, as far as they are set.
        authority: where to log in; None leaves it to AZURE_AUTHORITY_HOST.
        pipeline: how requests are sent.

    Raises:
        ConfigurationError: for settings that mean nothing.
    """
    options = dict(pipeline)
    if authority:
        options["authority"] = authority
    discovery = settings.get("disable_instance_discovery")
    if discovery not in (None, True, False):
        raise ConfigurationError("azure: disable_instance_discovery must be true or false")
    if discovery is not None:
        options["disable_instance_discovery"] = discovery
    try:
        return _chosen(settings, options)
    except ValueError as error:  # azure-identity's words about an id or a host; it repeats no secret
        wrong = " ".join(str(error).split())
    raise ConfigurationError(
        f"azure: these settings are no login: {wrong}", hint="check tenant_id, client_id and authority, and AZURE_…"
    )


def protect_credentials(settings: Mapping[str, Any], protect: Callable[[str, str], object]) -> None:
    """Tell every credential that a login may send, with its label, so that it is masked before it is used."""
    found = {name: (os.environ.get(name), label) for name, label in _SECRET_VARIABLES.items()}
    found["client_secret"] = settings.get("client_secret"), "Azure client secret"
    found["federated"] = _federated_token(), "Azure federated token"
    for value, label in found.values():
        if value:
            protect(value, label)


def _chosen(settings: Mapping[str, Any], options: dict[str, Any]) -> Any:
    identity = load_sdk("azure.identity", backend="azure", extra="azure")
    tenant, client, secret = (_value(settings, name) for name in ("tenant_id", "client_id", "client_secret"))
    if settings.get("client_secret") and not (tenant and client):
        missing = "tenant_id" if client else "client_id"
        raise ConfigurationError(
            f"azure: client_secret needs {missing!r}", hint=f"set {missing}, or AZURE_{missing.upper()}"
        )
    if secret and tenant and client and _is_set(settings):
        return identity.ClientSecretCredential(tenant, client, secret, **options)
    if settings.get("client_id"):
        options["managed_identity_client_id"] = settings["client_id"]
        options["exclude_environment_credential"] = _of_another(settings)
    if settings.get("tenant_id"):
        options["workload_identity_tenant_id"] = settings["tenant_id"]
    return identity.DefaultAzureCredential(**options)


def _is_set(settings: Mapping[str, Any]) -> bool:
    return any(settings.get(name) for name in ("tenant_id", "client_id", "client_secret"))


def _value(settings: Mapping[str, Any], name: str) -> Any:
    variable = os.environ.get(f"AZURE_{name.upper()}")
    if name == "client_secret" and _of_another(settings):
        variable = None
    return settings.get(name) or variable


def _of_another(settings: Mapping[str, Any]) -> bool:
    """Return whether the variables belong to another application than the one that is set."""
    chosen = settings.get("client_id")
    return bool(chosen) and os.environ.get("AZURE_CLIENT_ID") not in (None, chosen)


def _federated_token() -> str | None:
    path = os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else None
    except (OSError, UnicodeDecodeError):
        return None  # azure-identity says so, if it comes to that
