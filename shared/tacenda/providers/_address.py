"""Addresses of servers: TLS beyond this machine, and no credentials in a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tacenda._errors import ConfigurationError

__all__ = ["checked_url", "is_loopback"]

_LOOPBACK = r"localhost|.+\.localhost|127(\.\d{1,3}){3}|::1"  # as text: compiled when it is first used


def checked_url(url: str, what: str, settings: Mapping[str, Any], *, example: str, credentials: str) -> str:
    """Return a server's address if a login may be sent there.

    Args:
        url: the address.
        what: the backend and what names the address, for messages, such as `vault: vault_url`.
        settings: the stack entry's, of which `allow_http` plays a part.
        example: how such an address looks.
        credentials: where credentials go instead, as a hint.

    Raises:
        ConfigurationError: if it is no http(s) URL, holds credentials, or is http beyond loopback without `allow_http`.

    Example:
        >>> checked_url("http://127.0.0.1:8200", "vault: vault_url", {}, example="https://…", credentials="`auth`")
        'http://127.0.0.1:8200'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{what} must be a URL such as {example}")
    if parts.username or parts.password:
        raise ConfigurationError(f"{what} holds credentials", hint=f"see {credentials}")
    if parts.scheme == "http" and not is_loopback(parts.hostname) and settings.get("allow_http") is not True:
        raise ConfigurationError(
            f"{what} is http beyond this machine ({parts.hostname}): everybody in between could read along",
            hint="use https, or set `allow_http: true` if the network is yours alone",
        )
    return url


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    return re.fullmatch(_LOOPBACK, host) is not None
