"""What tacenda changes in Metaflow's configuration: documented variables, prefixes, and what `spin` runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from metaflow import metaflow_config, metaflow_config_funcs

from metaflow_extensions.tacenda.plugins._carried import carried
from metaflow_extensions.tacenda.plugins.backend._backend_types import CHOSEN_BY, CLOUDS, PREFIXES, type_written

__all__ = ["changed"]

_TYPE = "DEFAULT_SECRETS_BACKEND_TYPE"
_DOCUMENTED = {"SECRETS_BACKEND_TYPE": _TYPE, "SECRETS_BACKEND_ROLE": "DEFAULT_SECRETS_ROLE"}
_BACKEND_OF = {setting: kind for kind, setting in PREFIXES.items()}


def changed() -> dict[str, Any]:
    """Return the names of `metaflow_config` that get another value, with that value."""
    documented = dict(_from_documented())
    values: dict[str, Any] = {**dict(_carried()), **documented}
    by = "METAFLOW_SECRETS_BACKEND_TYPE" if _TYPE in documented else _chosen_by({**vars(metaflow_config), **values})
    if by is not None:
        values[CHOSEN_BY] = by
        kind = _BACKEND_OF.get(by.removeprefix("METAFLOW_"))
        values |= {_TYPE: kind} if kind else {}
    prefix = values.get("GCP_SECRET_MANAGER_PREFIX") or _value("GCP_SECRET_MANAGER_PREFIX")
    if prefix and prefix.rstrip("/").endswith("/secrets"):  # Metaflow's provider puts the name right behind it
        values["GCP_SECRET_MANAGER_PREFIX"] = f"{prefix.rstrip('/')}/"
    # Metaflow runs only these decorators in `spin`; a list of the user's own stays as it is.
    if _value("SPIN_ALLOWED_DECORATORS") and _origin("SPIN_ALLOWED_DECORATORS") is None:
        values["SPIN_ALLOWED_DECORATORS"] = [*_value("SPIN_ALLOWED_DECORATORS"), "secrets"]
    return values


def _carried() -> Iterator[tuple[str, str]]:
    """Yield the settings that were in force where the flow was deployed from, where nothing else is set here."""
    for name, value in (carried() or {}).get("settings", {}).items():
        if not _value(name):
            yield name, value


def _from_documented() -> Iterator[tuple[str, str]]:
    """Yield the documented settings under Metaflow's own names: the environment goes before a configuration file."""
    for documented, own in _DOCUMENTED.items():
        value = metaflow_config_funcs.from_conf(documented)
        if value and not (_origin(documented) == "file" and _origin(own) == "environment"):
            # Only there: what Metaflow's own variable says may be somebody else's type `gcp`.
            yield own, _known_type(value) if own == _TYPE else value


def _chosen_by(values: Mapping[str, Any]) -> str | None:
    """Return which of Metaflow's own variables has chosen the secrets backend; None if none has."""
    if values.get(_TYPE):
        return f"METAFLOW_{_TYPE}"
    prefixes = [prefix for prefix in _BACKEND_OF if values.get(prefix)]
    # Of two, neither is meant: a step that needs one says so.
    return f"METAFLOW_{prefixes[0]}" if len(prefixes) == 1 else None


def _known_type(written: str) -> str:
    # tacenda's names for backends all have one of these in them; for others its core need not be loaded.
    may_be_tacendas = any(part in written.lower() for part in ("aws", "az", "gcp", "vault"))
    return type_written(written) if may_be_tacendas and written not in CLOUDS else written


def _value(name: str) -> Any:
    return getattr(metaflow_config, name, None)


def _origin(name: str) -> str | None:
    """Return where a setting is from: `environment`, `file`, or None if nobody has set it."""
    if f"METAFLOW_{name}" in os.environ:
        return "environment"
    files = (metaflow_config_funcs.METAFLOW_LOCAL_CONFIG, metaflow_config_funcs.METAFLOW_CONFIG)
    return "file" if any(f"METAFLOW_{name}" in (settings or {}) for settings in files) else None
