"""Reading a secret: plain requests with azure-identity's login.

Through azure-keyvault-secrets a cold process that reads one secret takes 1.09 times as long as that SDK alone (least
CPU time of 25; 1.15 times the instructions), without it 1.01 (1.08). A read needs nothing of it but the check of the
challenge: the vault says for what and where to log in, and only its own domain is believed.
"""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tacenda.providers._azure_login import Login

__all__ = ["TIMEOUTS", "Found", "Reader", "found_in"]

TIMEOUTS = (5, 30)
"""To connect, and to wait for an answer, in seconds."""

_API_VERSION = "7.4"  # of 2023: every cloud has it, and later ones add nothing to a read


class Found(NamedTuple):
    """A secret as the vault keeps it."""

    value: Secret
    version: str
    tags: dict[str, str]
    content_type: str | None
    created: str | None
    updated: str | None

    def __repr__(self) -> str:
        return f"<Found [masked] version={self.version!r}>"


class _Challenge(NamedTuple):
    """What a vault asks a login for."""

    scope: str
    tenant: str | None
    claims: str | None = None


class Reader:
    """Sends the requests; safe for threads.

    Args:
        session: a `requests.Session`.
        login: gives the tokens.
        api_version: the version of Key Vault's interface; None for one that all have.
    """

    def __init__(self, session: Any, login: Login, api_version: str | None) -> None:
        self._session, self._login = session, login
        self._params = {"api-version": api_version or _API_VERSION}
        self._lock = threading.Lock()
        self._challenges: dict[str, _Challenge] = {}

    def get(self, host: str, name: str, version: str | None) -> Any:
        """Return the `requests.Response` to a request for a secret.

        Raises:
            ValueError: if what answers asks for another service's login, or for none.
        """
        url = f"https://{host}/secrets/{name}/{version or ''}"
        challenge = self._challenges.get(host)
        if challenge is None:
            with self._lock:
                challenge = self._challenges.get(host)
                if challenge is None:
                    refused = self._send(url)
                    if refused.status_code != HTTPStatus.UNAUTHORIZED:
                        return _before_login(refused)
                    challenge = self._challenges[host] = _challenge(refused, host)
        response = self._send(url, challenge)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._challenges.pop(host, None)
            if "Bearer" in response.headers.get("WWW-Authenticate", ""):
                again = _challenge(response, host, challenge)
                if again != challenge:  # the vault is in another tenant now, or wants to know more of the login
                    response = self._send(url, again)
        return response

    def _send(self, url: str, challenge: _Challenge | None = None) -> Any:
        headers = {"Accept": "application/json"}
        if challenge is not None:
            scope, tenant, claims = challenge
            token = self._login.get_token(scope, claims=claims, tenant_id=tenant, enable_cae=True)
            headers["Authorization"] = Secret(f"Bearer {token.token}")
        return self._session.get(url, params=self._params, headers=headers, timeout=TIMEOUTS, allow_redirects=False)


def found_in(response: Any) -> Found:
    """Return the secret in an answer.

    Raises:
        ValueError: if there is none.
    """
    try:
        answer = response.json()
        attributes = answer.get("attributes") or {}
        if isinstance(answer["value"], str):
            return Found(
                Secret(answer["value"]),
                str(answer["id"]).rpartition("/")[2],
                dict(answer.get("tags") or {}),
                answer.get("contentType"),
                _time(attributes.get("created")),
                _time(attributes.get("updated")),
            )
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise ValueError("an answer that is no secret")


def _challenge(response: Any, host: str, before: _Challenge | None = None) -> _Challenge:
    """Return what an answer asks for.

    The rules are those of the SDK (azure-keyvault-secrets, "Challenge authentication"): the service that the token is
    for must be a parent domain of the vault's, or the token would be one that works elsewhere.
    """
    asked = _parameters(response.headers.get("WWW-Authenticate", ""))
    if before is not None and "claims" in asked:
        return before._replace(claims=_claims(asked["claims"]))
    scope = asked.get("scope") or f"{asked.get('resource', '')}/.default"
    scheme, _, rest = scope.partition("://")
    domain = rest.partition("/")[0].lower().removesuffix(":443")
    if scheme != "https" or not domain or not host.endswith(f".{domain}"):
        raise ValueError("a challenge to log in to another service")
    server = asked.get("authorization") or asked.get("authorization_uri") or ""
    tenant = server.partition("://")[2].partition("/")[2].partition("/")[0]
    return _Challenge(scope, None if tenant.lower() in ("", "adfs") else tenant)


def _parameters(header: str) -> Mapping[str, str]:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise ValueError("an answer that asks for no Bearer token")
    pairs = (pair.partition("=") for pair in rest.split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _claims(encoded: str) -> str:
    import base64

    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def _before_login(response: Any) -> Any:
    """Return what was answered in place of a challenge, such as 429; Key Vault tells strangers nothing of secrets."""
    if response.ok or response.status_code == HTTPStatus.NOT_FOUND:
        raise ValueError("an answer about a secret to somebody who has not logged in")
    return response


def _time(seconds: Any) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()
