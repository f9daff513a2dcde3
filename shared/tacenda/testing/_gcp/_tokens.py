"""Access tokens: those that the double issues, and the self-signed ones of its service account."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from tacenda.testing._gcp._errors import SERVICE, unauthenticated
from tacenda.testing._gcp._identities import Identities
from tacenda.testing._gcp._service import OPERATOR

__all__ = ["Tokens", "answer"]

_LIFETIME = 3599  # seconds, as Google says `expires_in`
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_CLOCK_SKEW = 10  # seconds
_AUDIENCE_SUFFIX = ".rep.googleapis.com/"


class Tokens:
    """Knows who holds which token.

    Args:
        identities: whose self-signed tokens are accepted.
        required: False to let everybody in without a token, as an emulator does.

    Attributes:
        operator: the token of the test server's own client.
    """

    def __init__(self, identities: Identities, *, required: bool) -> None:
        self.operator = f"example-operator-{secrets.token_hex(16)}"
        self._identities = identities
        self._required = required
        self._issued: dict[str, tuple[str, float]] = {}
        self._self_signed: dict[str, int] = {}
        self._expired: set[str] = set()

    def issue(self, member: str) -> str:
        """Return a new access token for somebody, such as `user:developer@example.com`."""
        token = f"example-access-{secrets.token_urlsafe(48)}"
        self._issued[token] = (member, time.time() + _LIFETIME)
        return token

    def expire(self) -> None:
        """End every token issued or seen so far.

        A self-signed token is the same text if it is made twice within a second. So that the next one is another
        one, this waits until the second is over in which the last one was made.
        """
        self._expired |= {*self._issued, *self._self_signed}
        newest = max(self._self_signed.values(), default=0)
        while int(time.time()) <= newest:
            time.sleep(0.01)

    def identify(self, method: str, metadata: Mapping[str, Any]) -> str:
        """Return who sends a request.

        Args:
            method: the RPC, such as `AccessSecretVersion`.
            metadata: the request's metadata.

        Raises:
            Refused: with UNAUTHENTICATED.
        """
        scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
        if secrets.compare_digest(token.encode(), self.operator.encode()):
            return OPERATOR
        if not self._required:
            return self._issued_to(token) or "allUsers"
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated("CREDENTIALS_MISSING", method)
        member = self._self_signed_by(token) if token.count(".") == 2 else self._issued_to(token)
        if token in self._expired or member == "":
            raise unauthenticated("ACCESS_TOKEN_EXPIRED", method)
        if member is None:
            raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", method)
        return member

    def _issued_to(self, token: str) -> str | None:
        member, end = self._issued.get(token, (None, 0))
        return "" if member and end < time.time() else member

    def _self_signed_by(self, token: str) -> str | None:
        """Return whose token it is; "" if it is over, None if it is none."""
        claims = self._identities.verified(token)
        if claims is None or claims["iat"] > time.time() + _CLOCK_SKEW:
            return None
        self._self_signed[token] = int(claims["iat"])
        audience = str(claims.get("aud", ""))
        meant_for_us = audience.startswith("https://secretmanager.") and (
            audience == f"https://{SERVICE}/" or audience.endswith(_AUDIENCE_SUFFIX)
        )
        if not meant_for_us and _SCOPE not in str(claims.get("scope", "")).split():
            return None
        return "" if claims["exp"] < time.time() else f"serviceAccount:{claims['iss']}"


def answer(token: str) -> bytes:
    """Return the body with which a token endpoint gives out an access token."""
    return json.dumps(
        {"access_token": token, "expires_in": _LIFETIME, "scope": _SCOPE, "token_type": "Bearer"}
    ).encode()
