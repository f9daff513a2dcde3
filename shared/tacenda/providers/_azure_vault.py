"""Which vaults may be asked, and where one logs in to them: Azure's clouds, and a vault at an address of one's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tacenda._errors import ConfigurationError, InvalidReference

__all__ = ["authority_of", "configured_host", "known_host", "vault_name"]

# Where the vaults of each cloud are, and where one logs in there (azure.identity.AzureAuthorityHosts).
_CLOUDS = {
    "vault.azure.net": "login.microsoftonline.com",
    "vault.azure.cn": "login.chinacloudapi.cn",
    "vault.usgovcloudapi.net": "login.microsoftonline.us",
}
_NAME = r"[A-Za-z](?:[A-Za-z0-9-]{0,22}[A-Za-z0-9])?"  # of a vault: up to 24 characters
_HOST = re.compile(rf"(?P<name>{_NAME})\.(?P<cloud>{'|'.join(map(re.escape, _CLOUDS))})", re.IGNORECASE)
_AUTHORITY = "AZURE_AUTHORITY_HOST"


def configured_host(settings: Mapping[str, Any]) -> str | None:
    """Return the host, with its port if that is not 443, that the setting `vault_url` means; None if it is not set.

    A vault's bare name is its address in the cloud that one logs in to.

    Raises:
        ConfigurationError: if it is no address of a vault.

    Example:
        >>> configured_host({"vault_url": "my-vault"}), configured_host({"vault_url": "https://127.0.0.1:8443/"})
        ('my-vault.vault.azure.net', '127.0.0.1:8443')
    """
    url = str(settings.get("vault_url") or "").strip()
    if not url:
        return None
    if re.fullmatch(_NAME, url):
        return f"{url}.{_cloud_of(settings)}".lower()
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.username or parts.password:
        raise ConfigurationError("azure: vault_url holds credentials", hint="see the setting `client_secret`")
    host = parts.netloc.lower()
    if not re.fullmatch(r"[a-z0-9.-]+(:\d{1,5})?", host) or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigurationError(
            f"azure: vault_url {url!r} is no vault's address",
            hint="set `vault_url: https://VAULT.vault.azure.net`, without the name of a secret",
        )
    if parts.scheme != "https":
        raise ConfigurationError("azure: vault_url must be https://…: a login is never sent without TLS")
    return host.removesuffix(":443")


def known_host(host: str, configured: str | None) -> str:
    """Return the host of a reference if our login may be sent there: a vault of Azure's, or the configured one.

    Raises:
        InvalidReference: for any other. A URL that somebody planted must not receive a token.
    """
    plain = host.lower().removesuffix(":443")
    if plain != configured and not _HOST.fullmatch(plain):
        raise InvalidReference(
            f"{host!r} is neither a vault of Azure's nor the one that is configured, so nothing is asked there",
            hint=f"the names of Azure's vaults end in {', '.join(_CLOUDS)}; any other is named in vault_url",
        )
    return plain


def authority_of(host: str, settings: Mapping[str, Any]) -> str | None:
    """Return where to log in for a vault: as configured, else as its cloud wants it; None leaves it to the SDK."""
    chosen = settings.get("authority")
    match = _HOST.fullmatch(host)
    if chosen or os.environ.get(_AUTHORITY) or match is None:
        return chosen or None
    return _CLOUDS[match["cloud"].lower()]


def vault_name(host: str) -> str | None:
    """Return the name that `az` knows a vault under; None outside of Azure's clouds."""
    match = _HOST.fullmatch(host)
    return match["name"] if match else None


def _cloud_of(settings: Mapping[str, Any]) -> str:
    authority = str(settings.get("authority") or os.environ.get(_AUTHORITY) or "")
    clouds = [cloud for cloud, login in _CLOUDS.items() if login in authority]
    return clouds[0] if clouds else "vault.azure.net"
