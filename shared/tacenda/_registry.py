"""Which providers there are, under which names, and how an entry of a stack becomes one.

Canonical are the names FlowyML documents. One alias table takes the other orchestrators' names, with `-` and
`_` equal, so that an entry can be carried over from any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import ConfigurationError
from tacenda._reference import looks_like_credential
from tacenda._values import wrap

if TYPE_CHECKING:
    from pathlib import Path

    from tacenda.providers import Provider

__all__ = ["PROVIDERS", "Entry", "did_you_mean", "entry", "open_provider", "provider_class"]


class Entry(NamedTuple):
    """One entry of a stack: a provider's canonical name and its settings under canonical names."""

    provider: str
    settings: Mapping[str, Any]


# canonical name -> (backend, class); the module is tacenda.providers.<backend>
PROVIDERS: Mapping[str, tuple[str, str]] = {
    "aws_secretsmanager": ("aws", "AwsProvider"),
    "azure_keyvault": ("azure", "AzureProvider"),
    "env": ("env", "EnvProvider"),
    "files": ("files", "FilesProvider"),
    "gcp_secretmanager": ("gcp", "GcpProvider"),
    "github": ("github", "GithubProvider"),
    "local": ("local", "LocalProvider"),
    "vault": ("vault", "VaultProvider"),
}

# FlowyML's installed names, Metaflow's (hyphens folded), ZenML's flavors, and the schemes of references.
_PROVIDER_ALIASES: Mapping[str, str] = {
    "aws": "aws_secretsmanager",
    "aws_secrets_manager": "aws_secretsmanager",
    "az_key_vault": "azure_keyvault",
    "azure": "azure_keyvault",
    "azure_key_vault": "azure_keyvault",
    "gcp": "gcp_secretmanager",
    "gcp_secret_manager": "gcp_secretmanager",
    "hashicorp_vault": "vault",
}

_SETTING_ALIASES: Mapping[str, Mapping[str, str]] = {
    "aws_secretsmanager": {"profile_name": "profile", "region_name": "region"},
    "azure_keyvault": {"key_vault_name": "vault_url", "url": "vault_url"},
    "gcp_secretmanager": {"project": "project_id"},
    "local": {"secrets_file": "path"},
    "vault": {
        "mount": "vault_mount",
        "mount_point": "vault_mount",
        "path": "vault_path",
        "url": "vault_url",
        "vault_addr": "vault_url",
        "vault_token": "token",
    },
}


def entry(raw: Any, where: str, *, credentials: bool = False) -> Entry:
    """Return one entry of a stack with canonical names, checked.

    Args:
        raw: what stands in the configuration: a mapping with `provider`, or the provider's name alone.
        where: the place, for messages, such as `tacenda.yaml: stacks.prod.secrets`.
        credentials: whether settings that hold credentials are allowed (in a mapping, never in a file).

    Raises:
        ConfigurationError: for an unknown provider or setting, or a value where none may stand.
    """
    settings = {"provider": raw} if isinstance(raw, str) else raw
    if not isinstance(settings, Mapping) or not isinstance(settings.get("provider"), str):
        raise ConfigurationError(f"{where}: every entry needs a `provider`", hint=_what_there_is())
    name = canonical(settings["provider"], where)
    known = provider_class(name)
    checked: dict[str, Any] = {}
    for written, value in settings.items():
        if written == "provider":
            continue
        setting = str(written).replace("-", "_")
        setting = _SETTING_ALIASES.get(name, {}).get(setting, setting)
        place = f"{where}: {name}: `{written}`"
        if setting in checked:
            raise ConfigurationError(f"{place} repeats the setting {setting!r} under another name")
        _refuse_unknown(setting, known, place)
        if not credentials:
            _refuse_values(setting, value, known, place)
        checked[setting] = _guarded(setting, value, known)
    return Entry(name, checked)


def canonical(name: str, where: str = "provider") -> str:
    """Return a provider's canonical name for any name it goes by.

    Raises:
        ConfigurationError: if there is no such provider, with the nearest name.
    """
    folded = name.replace("-", "_").lower()
    folded = _PROVIDER_ALIASES.get(folded, folded)
    if folded in PROVIDERS or folded in _plugins():
        return folded
    written = (
        " called what stands there, which looks like a credential" if looks_like_credential(name) else f" {name!r}"
    )
    raise ConfigurationError(
        f"{where}: there is no provider{written}{did_you_mean(folded, [*PROVIDERS, *_PROVIDER_ALIASES])}",
        hint=_what_there_is(),
    )


def provider_class(name: str) -> type[Provider]:
    """Return the class behind a canonical provider name."""
    if name not in PROVIDERS:
        loaded: type[Provider] = _plugins()[name].load()
        return loaded
    from importlib import import_module

    backend, class_name = PROVIDERS[name]
    provider: type[Provider] = getattr(import_module(f"tacenda.providers.{backend}"), class_name)
    return provider


def open_provider(entry: Entry, base: Path) -> Provider:
    """Return the provider of a stack's entry; relative paths in its settings start at `base`."""
    return provider_class(entry.provider)(entry.settings, base)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _what_there_is() -> str:
    return f"the providers are: {', '.join([*PROVIDERS, *_plugins()])}"


def _plugins() -> Mapping[str, Any]:
    from importlib.metadata import entry_points

    return {point.name.replace("-", "_"): point for point in entry_points(group="tacenda.providers")}


def _guarded(setting: str, value: Any, provider: type[Provider]) -> Any:
    """Return a setting with its credentials as secrets, whose repr in a traceback is masked."""
    if setting in provider.credential_settings:
        return wrap(value)
    if isinstance(value, Mapping):
        return {name: _guarded(str(name), item, provider) for name, item in value.items()}
    return value


def _refuse_unknown(setting: str, provider: type[Provider], place: str) -> None:
    known = {*provider.settings_help, *provider.credential_settings}
    if setting not in known:
        raise ConfigurationError(
            f"{place} is not a setting{did_you_mean(setting, known)}",
            hint=f"the settings are: {', '.join(sorted(provider.settings_help)) or 'none'}",
        )


def _refuse_values(setting: str, value: Any, provider: type[Provider], place: str) -> None:
    nested = value if isinstance(value, Mapping) else {setting: value}
    for name, item in nested.items():
        if name in provider.credential_settings or (isinstance(item, str) and looks_like_credential(item)):
            raise ConfigurationError(
                f"{place} holds a credential, and a configuration file holds references and settings only",
                hint="give it by the backend's own environment variable, or put it into a file and name that",
            )
