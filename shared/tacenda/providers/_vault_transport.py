"""Requests to one Vault server: address, TLS, proxies and connections. Tokens and meaning are its callers'."""

from __future__ import annotations

import os
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacenda._errors import ConfigurationError
from tacenda.providers._address import checked_url
from tacenda.providers._sdk import load_sdk
from tacenda.providers._vault_errors import unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tacenda.providers._asked import Asked

__all__ = ["Transport", "address"]

CONNECTIONS = 16
"""More at once did not help when measured."""
TIMEOUT = (5, 30)
"""To connect, and to wait for an answer, in seconds."""

_TRUE = ("1", "t", "true", "yes")


class Transport:
    """Sends requests to one server, with up to 16 connections.

    Args:
        url: the server's address, checked by `address`.
        settings: `namespace` and `ca_cert`; what is not set comes from Vault's own variables.
        base: the directory that a relative `ca_cert` starts at.
    """

    def __init__(self, url: str, settings: Mapping[str, Any], base: Path) -> None:
        requests = load_sdk("requests", backend="vault", extra="vault")
        session = requests.Session()
        # Read once: requests would look up proxies, netrc and authorities in the environment for every request.
        session.proxies = requests.utils.get_environ_proxies(url)
        session.verify = _verify(settings, base)
        session.cert = _client_certificate()
        session.trust_env = False
        connections = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS, pool_block=True)
        session.mount("https://", connections)
        session.mount("http://", connections)
        namespace = settings.get("namespace") or os.environ.get("VAULT_NAMESPACE")
        session.headers.update({"X-Vault-Request": "true", **({"X-Vault-Namespace": namespace} if namespace else {})})
        self._url = url
        self._session = session
        self._failures = (requests.RequestException, OSError, ValueError)

    def request(
        self,
        method: str,
        path: str,
        asked: Asked,
        *,
        token: str | None = None,
        body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the `requests.Response`, whatever its status.

        Args:
            method: the HTTP method.
            path: the escaped path after `/v1/`.
            asked: what the request is about, for messages.
            token: the Vault token; None for a login.
            body: JSON. Pass `SecretBytes` and `Secret`: their `repr` in a traceback is masked.
            params: the query.

        Raises:
            BackendUnavailable: if there is no answer.
        """
        headers = {} if token is None else {"X-Vault-Token": token}
        options = {"headers": headers, "data": body, "params": params}
        try:
            return self._followed(self._send(method, f"/v1/{path}", options), body)
        except self._failures as error:
            failed = unreachable(error, asked)
        raise failed

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(self, method: str, path: str, options: dict[str, Any]) -> Any:
        # Importing hvac is an eighth of a cold process that reads one secret, and a read needs nothing of it.
        if method == "GET":
            return self._session.get(self._url + path, timeout=TIMEOUT, allow_redirects=False, **options)
        return self._hvac.request(method, path, raise_exception=False, **options)

    @cached_property
    def _hvac(self) -> Any:
        adapters = load_sdk("hvac.adapters", backend="vault", extra="vault")
        session = self._session
        return adapters.RawAdapter(
            self._url, session=session, verify=session.verify, cert=session.cert, timeout=TIMEOUT, allow_redirects=False
        )

    def _followed(self, response: Any, body: bytes | None) -> Any:
        # A standby node names the active one. No redirect takes a token from https to http.
        target = response.headers.get("Location", "")
        unsafe = self._url.startswith("https:") and not target.startswith("https:")
        if unsafe or response.status_code != HTTPStatus.TEMPORARY_REDIRECT:
            return response
        request = response.request
        return self._session.request(
            request.method, target, headers=request.headers, data=body, timeout=TIMEOUT, allow_redirects=False
        )


def address(settings: Mapping[str, Any]) -> str:
    """Return the server's address from `vault_url` or VAULT_ADDR, checked.

    Raises:
        ConfigurationError: if there is none, it is no http(s) URL, it holds credentials, or it is http beyond
            loopback without `allow_http`.
    """
    url = str(settings.get("vault_url") or os.environ.get("VAULT_ADDR") or "").rstrip("/")
    source = "vault_url" if settings.get("vault_url") else "VAULT_ADDR"
    if not url:
        raise ConfigurationError("vault: there is no server address", hint="set vault_url, or VAULT_ADDR")
    return checked_url(
        url, f"vault: {source}", settings, example="https://vault.example.com:8200", credentials="the setting `auth`"
    )


def _verify(settings: Mapping[str, Any], base: Path) -> bool | str:
    chosen = settings.get("ca_cert")
    if not chosen and os.environ.get("VAULT_SKIP_VERIFY", "").lower() in _TRUE:
        return False
    for variable in ("VAULT_CACERT", "VAULT_CAPATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        chosen = chosen or os.environ.get(variable)
    if not chosen:
        return True
    path = base / Path(chosen).expanduser()
    if not path.exists():
        raise ConfigurationError(
            f"vault: there is no certificate authority's file {path}", hint="check ca_cert (VAULT_CACERT)"
        )
    return str(path)


def _client_certificate() -> tuple[str, str] | None:
    certificate, key = os.environ.get("VAULT_CLIENT_CERT"), os.environ.get("VAULT_CLIENT_KEY")
    return (certificate, key) if certificate and key else None
