"""Logins to Vault: a token that is given, or one that a login gets; one login however many threads need it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tacenda._errors import AccessDenied, ConfigurationError
from tacenda._values import Secret, SecretBytes
from tacenda.providers._asked import Asked
from tacenda.providers._vault_errors import content, failure, from_vault, malformed, reasons

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.providers._vault_transport import Transport

__all__ = ["CREDENTIALS", "Login", "auth_settings"]

CREDENTIALS = frozenset({"jwt", "password", "secret_id", "token"})
"""What a configuration file may not hold."""

_TOKEN_FILE = "~/.vault-token"  # noqa: S105 - where `vault login` leaves it
_POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_METHODS = ("approle", "jwt", "kubernetes", "token", "userpass")
_VARIABLES = {
    "jwt": "VAULT_JWT",
    "password": "VAULT_PASSWORD",
    "role": "VAULT_ROLE",
    "role_id": "VAULT_ROLE_ID",
    "secret_id": "VAULT_SECRET_ID",
    "token": "VAULT_TOKEN",
    "username": "VAULT_USERNAME",
}
_SETTINGS = {*_VARIABLES, "jwt_path", "method", "mount"}
_WHAT_TO_SET = (
    "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, or log in with `vault login`, or choose `auth: kubernetes`"
)


class Login:
    """The token in use.

    Args:
        settings: the stack entry's; `auth` is a method's name or a mapping with `method`.
        transport: where logins are sent.
        server: the server, for messages.
        protect: called with each credential and a label before its first use.
    """

    def __init__(
        self, settings: Mapping[str, Any], transport: Transport, server: str, protect: Callable[[str, str], object]
    ) -> None:
        self._given = {**settings, **auth_settings(settings)}
        self._transport = transport
        self._server = server
        self._protect = protect
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._method = self._choose()

    def token(self) -> Secret:
        """Return the token in use, after a login if there is none yet.

        Raises:
            ConfigurationError: if nothing to log in with is set.
            AccessDenied: if the login is refused.
        """
        if self._token is None:
            with self._lock:
                if self._token is None:
                    self._token = self._obtain()
        return self._token

    def renew(self, refused: Secret) -> bool:
        """Return whether another token than a refused one is in use now, after a login if that is worth it.

        403 means denied as well as expired. A token that the server still knows was not refused for its age.
        """
        with self._lock:
            if self._token == refused and not (self._logs_in and self._alive(refused)):
                self._token = self._obtain()
            return self._token != refused

    def verify(self) -> None:
        """Raise unless the server accepts our credentials: a login, or a look at the token that was given."""
        if self._logs_in:
            with self._lock:
                self._token = self._obtain()
        elif not self._alive(self.token()):
            raise AccessDenied(f"{self._server} refuses the token: expired, revoked or wrong", hint=_WHAT_TO_SET)

    @property
    def _logs_in(self) -> bool:
        return self._method != "token"

    def _choose(self) -> str:
        if "method" in self._given:
            return str(self._given["method"])
        approle = not self._value("token") and self._value("role_id") and self._value("secret_id")
        return "approle" if approle else "token"

    def _obtain(self) -> Secret:
        token = self._log_in() if self._logs_in else self._stored_token()
        self._protect(token, "Vault token")
        return token

    def _alive(self, token: Secret) -> bool:
        asked = Asked(self._server, "look up", "its own token")
        response = self._transport.request("GET", "auth/token/lookup-self", asked, token=token)
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.FORBIDDEN):
            raise failure(response, asked)
        return bool(response.ok)

    def _stored_token(self) -> Secret:
        token = self._value("token") or Secret(_read(_TOKEN_FILE) or "")
        if not token:
            raise ConfigurationError(f"vault: there is nothing to log in to {self._server} with", hint=_WHAT_TO_SET)
        return token

    def _log_in(self) -> Secret:
        mount = str(self._given.get("mount") or self._method).strip("/")
        asked = Asked(self._server, "log in by", f"{self._method} at auth/{mount}", "see `vault auth list`")
        path, credentials = self._credentials()
        for name in sorted(CREDENTIALS & set(credentials)):
            self._protect(credentials[name], f"Vault {name}")
        body = SecretBytes(json.dumps(credentials).encode())
        del credentials
        response = self._transport.request("POST", f"auth/{quote(mount)}/{path}", asked, body=body)
        status, answer = response.status_code, content(response)
        if status in _REFUSED and from_vault(answer):
            told = reasons(answer) or f"HTTP status {status}"
            raise AccessDenied(f"{self._server} refuses to {asked.verb} {asked.what}: {told}", hint=asked.hint)
        if status != HTTPStatus.OK:
            raise failure(response, asked)
        token = Secret((answer.get("auth") or {}).get("client_token") or "")
        del answer
        if not token:
            raise malformed(asked)
        return token

    def _credentials(self) -> tuple[str, dict[str, Secret]]:
        """Return the login's path below its mount, and what it sends."""
        if self._method == "userpass":
            return f"login/{quote(self._need('username'), safe='')}", {"password": self._need("password")}
        if self._method == "approle":
            secret_id = self._value("secret_id")  # a role may do without
            sent = {"role_id": self._need("role_id")}
            return "login", {**sent, "secret_id": secret_id} if secret_id else sent
        return "login", {"role": self._need("role"), "jwt": self._jwt()}

    def _jwt(self) -> Secret:
        path = self._given.get("jwt_path") or (_POD_TOKEN if self._method == "kubernetes" else None)
        if path is None:
            return self._need("jwt")
        token = _read(str(path))  # read for every login: Kubernetes rotates it
        if not token:
            raise ConfigurationError(
                f"vault: cannot read the token file {path} for auth {self._method!r}",
                hint="outside a pod choose another `auth`, or set auth.jwt_path",
            )
        return Secret(token)

    def _value(self, name: str) -> Secret | None:
        value = self._given.get(name) or os.environ.get(_VARIABLES[name])
        return Secret(str(value).strip()) if value else None

    def _need(self, name: str) -> Secret:
        value = self._value(name)
        if value is None:
            raise ConfigurationError(
                f"vault: auth {self._method!r} needs {name!r}", hint=f"set auth.{name}, or {_VARIABLES[name]}"
            )
        return value


def auth_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the setting `auth` as a mapping, checked.

    Raises:
        ConfigurationError: for an unknown method or setting.

    Example:
        >>> auth_settings({"auth": "approle"})
        {'method': 'approle'}
    """
    auth = settings.get("auth") or {}
    if isinstance(auth, str):
        auth = {"method": auth}
    if not isinstance(auth, Mapping) or not set(auth) <= _SETTINGS:
        raise ConfigurationError(
            "vault: `auth` is the name of a method, or a mapping", hint=f"it may hold: {', '.join(sorted(_SETTINGS))}"
        )
    if auth.get("method", "token") not in _METHODS:
        raise ConfigurationError(
            f"vault: auth method {str(auth['method'])!r} is none of ours", hint=f"they are: {', '.join(_METHODS)}"
        )
    return auth


def _read(path: str) -> str | None:
    try:
        return Path(os.path.expanduser(path)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
