"""Metaflow's own secrets settings, and the stack of tacenda's that they describe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from metaflow import metaflow_config

from metaflow_extensions.tacenda.plugins.backend._backend_types import CHOSEN_BY, CLOUDS, PREFIXES, default_type

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = [
    "chosen_by",
    "described_stack",
    "describes",
    "has_custom_client",
    "has_two_prefixes",
    "refuse_two_prefixes",
    "settings",
]

_SETTINGS = (
    "DEFAULT_SECRETS_BACKEND_TYPE",
    "DEFAULT_SECRETS_ROLE",
    "AWS_SECRETS_MANAGER_DEFAULT_REGION",
    "AWS_SECRETS_MANAGER_DEFAULT_ROLE",
    "AZURE_KEY_VAULT_PREFIX",
    "GCP_SECRET_MANAGER_PREFIX",
)
# Who makes the clients of a cloud, and Metaflow's own choice: another one logs in where tacenda cannot.
_CLIENTS = {
    "aws-secrets-manager": ("DEFAULT_AWS_CLIENT_PROVIDER", "boto3"),
    "az-key-vault": ("DEFAULT_AZURE_CLIENT_PROVIDER", "azure-default"),
    "gcp-secret-manager": ("DEFAULT_GCP_CLIENT_PROVIDER", "gcp-default"),
}
# A name may be continued after `secrets/`: Metaflow puts the secret's own right behind it.
_GCP_PREFIX = r"projects/(?P<project>[^/]+)(?:/locations/(?P<location>[^/]+))?/secrets(?:/+(?P<prefix>[^/]*))?"


def settings() -> dict[str, str]:
    """Return the settings in force by their names in `metaflow_config`; the documented names are mapped already."""
    values = {name: _value(name) for name in _SETTINGS}
    return {name: str(value) for name, value in values.items() if value}


def chosen_by() -> str:
    """Return the variable, with its value, that has chosen the backend: for messages."""
    by = _value(CHOSEN_BY) or "METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE"
    return f"{by}={_value(by.removeprefix('METAFLOW_')) if by.endswith('_PREFIX') else default_type()}"


def has_two_prefixes() -> bool:
    """Return whether no type is set, and the prefixes of two clouds are, so that neither is chosen."""
    return default_type() is None and all(map(_value, PREFIXES.values()))


def refuse_two_prefixes() -> None:
    """Raise if no type is set, and the prefixes of two clouds are.

    Raises:
        ConfigurationError: names both.
    """
    from tacenda.errors import ConfigurationError

    if has_two_prefixes():
        raise ConfigurationError(
            "METAFLOW_AZURE_KEY_VAULT_PREFIX and METAFLOW_GCP_SECRET_MANAGER_PREFIX are both set, and either alone "
            "would choose where secrets are",
            hint="unset one, or choose with METAFLOW_SECRETS_BACKEND_TYPE=az-key-vault (or gcp-secret-manager)",
        )


def has_custom_client(kind: str) -> bool:
    """Return whether somebody else than Metaflow itself makes the clients for a type."""
    setting, usual = _CLIENTS[kind]
    return _value(setting) not in (None, usual) or (kind == "aws-secrets-manager" and _value("AWS_SANDBOX_ENABLED"))


def describes(kind: str) -> bool:
    """Return whether Metaflow's settings say enough of one of its clouds for a stack; AWS needs no setting."""
    return kind not in PREFIXES or bool(_value(PREFIXES[kind]))


def described_stack(kind: str, role: str | None = None) -> Stack:
    """Return the stack that Metaflow's settings describe for one of its clouds.

    Args:
        kind: a type in `CLOUDS`.
        role: the role that the decorator or the source names.

    Raises:
        ConfigurationError: for a prefix that is none, or a missing one.
    """
    from tacenda._config import working_directory
    from tacenda._stack import stack_from_mapping

    entry = {"provider": CLOUDS[kind], **_DESCRIBE[kind](role)}
    written = {name: value for name, value in entry.items() if value}
    source = chosen_by() if kind == default_type() else "Metaflow's settings"
    return stack_from_mapping("metaflow", {"secrets": written}, working_directory(), source)


def _aws(role: str | None) -> dict[str, Any]:
    return {
        "region": _value("AWS_SECRETS_MANAGER_DEFAULT_REGION"),
        "role_arn": role or _value("DEFAULT_SECRETS_ROLE") or _value("AWS_SECRETS_MANAGER_DEFAULT_ROLE"),
    }


def _azure(_: str | None) -> dict[str, Any]:
    form = "https://VAULT.vault.azure.net"
    address = _prefix("AZURE_KEY_VAULT_PREFIX", form).rstrip("/")
    if "/" in address.partition("://")[2]:
        raise _wrong(f"METAFLOW_AZURE_KEY_VAULT_PREFIX {address!r} is more than the address of a vault", form)
    return {"vault_url": address}


def _gcp(_: str | None) -> dict[str, Any]:
    form = "projects/PROJECT/secrets"
    written = _prefix("GCP_SECRET_MANAGER_PREFIX", form)
    match = re.fullmatch(_GCP_PREFIX, written)
    if match is None:
        raise _wrong(f"METAFLOW_GCP_SECRET_MANAGER_PREFIX {written!r} does not have the form {form}", form)
    location = match["location"]
    return {
        "project_id": match["project"],
        "prefix": match["prefix"],
        "api_endpoint": f"secretmanager.{location}.rep.googleapis.com" if location else None,
    }


_DESCRIBE = {"aws-secrets-manager": _aws, "az-key-vault": _azure, "gcp-secret-manager": _gcp}


def _prefix(name: str, form: str) -> str:
    value = str(_value(name) or "").strip()
    if not value:
        raise _wrong(f"{chosen_by()} needs METAFLOW_{name}, which is not set", form)
    return value


def _wrong(message: str, form: str) -> Exception:
    from tacenda.errors import ConfigurationError

    return ConfigurationError(message, hint=f"set it to {form}")


def _value(name: str) -> Any:
    return getattr(metaflow_config, name, None)
