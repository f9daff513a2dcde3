"""Access tokens: JSON Web Tokens that this server signs and later recognises."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from typing import Any

__all__ = ["Tokens"]


class Tokens:
    """Makes tokens and reads them back.

    Args:
        tenant: whose they are.
        lifetime: of a token, in seconds.
    """

    def __init__(self, tenant: str, lifetime: float) -> None:
        self.lifetime = lifetime
        self.issuer = f"https://sts.windows.net/{tenant}/"
        self._tenant = tenant
        self._key = secrets.token_bytes(32)
        self._generation = 0

    def issue(self, audience: str, application: str, **claims: Any) -> str:
        """Return a token for an audience, such as `https://vault.azure.net`, in the name of an application."""
        now = time.time()
        content = {
            "aud": audience,
            "iss": self.issuer,
            "iat": int(now),
            "nbf": int(now),
            "exp": now + self.lifetime,
            "appid": application,
            "oid": object_id(application),
            "tid": self._tenant,
            "ver": "1.0",
            "gen": self._generation,
            "uti": secrets.token_urlsafe(12),
            **claims,
        }
        unsigned = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(content)}"
        return f"{unsigned}.{self._signature(unsigned)}"

    def read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token of ours, None if it is not; see `current` for whether it still counts."""
        unsigned, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(unsigned).encode(), signature.encode("utf-8", "replace")):
            return None
        content = unsigned.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        return claims

    def current(self, claims: dict[str, Any]) -> bool:
        """Return whether a token has neither expired nor been made to."""
        return bool(claims["gen"] == self._generation and claims["exp"] > time.time())

    def expire(self) -> None:
        """Let no token that exists count any longer."""
        self._generation += 1

    def _signature(self, unsigned: str) -> str:
        digest = hmac.digest(self._key, unsigned.encode("utf-8", "replace"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def object_id(application: str) -> str:
    """Return the id of an application's service principal: always the same one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, application))


def _encode(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
