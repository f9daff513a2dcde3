"""What Vault's answers mean as tacenda errors. Nothing that was sent is repeated: requests hold values and tokens."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from tacenda._errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers._asked import Asked, busy, strange, unanswered
from tacenda.providers._base import SMALLER
from tacenda.providers._cause import cause
from tacenda.providers._said import one_line, seconds

__all__ = ["content", "failure", "from_vault", "malformed", "reasons", "unreachable"]

_UNAVAILABLE = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_KINDS: dict[int, type[SecretError]] = {
    HTTPStatus.BAD_REQUEST: InvalidReference,
    HTTPStatus.FORBIDDEN: AccessDenied,
    HTTPStatus.NOT_FOUND: SecretNotFound,
}
_UPGRADING = "Upgrading from non-versioned"  # of a mount that was made, or made versioned, a moment ago
_TOO_LARGE = ("too large", "high complexity")  # of an entry; of a JSON body with more than 1,000 strings (OpenBao)


def failure(response: Any, asked: Asked) -> SecretError:
    """Return the error that an answer (a `requests.Response`) means, other than success."""
    status, body = response.status_code, content(response)
    said = reasons(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status in _UNAVAILABLE or _UPGRADING in said:
        return _busy(response, said, asked)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or any(sign in said for sign in _TOO_LARGE):
        return Unsupported(
            f"{asked.server} cannot keep a value so large, or of so many keys: {asked.what}", hint=SMALLER
        )
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) and not from_vault(body):
        return malformed(asked)  # a proxy's or another server's 404 does not say that a secret is missing
    kind = _KINDS.get(status, BackendUnavailable)
    hint = "see `vault status` and the server's log" if kind is BackendUnavailable else asked.hint
    return kind(f"{asked.server} cannot {asked.verb} {asked.what}: {said or f'HTTP status {status}'}", hint=hint)


def _busy(response: Any, said: str, asked: Asked) -> SecretError:
    kind: type[SecretError]
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        kind, why, hint = (
            Throttled,
            "refuses: too many requests",
            "see the quotas with `vault list sys/quotas/rate-limit`",
        )
    elif _UPGRADING in said:
        kind, why, hint = BackendUnavailable, "makes the mount a KV version 2 engine just now", "try again in a moment"
    elif "sealed" in said:
        kind, why, hint = BackendUnavailable, "is sealed", "an operator must run `vault operator unseal`"
    else:
        kind, why, hint = BackendUnavailable, "is not available", "see `vault status`"
    return busy(kind, why, asked, hint=hint, retry_after=seconds(response.headers.get("Retry-After")))


def content(response: Any) -> dict[str, Any]:
    """Return an answer's JSON object; empty if it has none."""
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def from_vault(body: dict[str, Any]) -> bool:
    """Return whether a failure's JSON object is Vault's: it has `errors`, or `data` about a deleted version."""
    return not body.keys().isdisjoint(("errors", "data"))


def reasons(body: dict[str, Any]) -> str:
    """Return the reasons that Vault gave, as one line.

    Example:
        >>> reasons({"errors": ["permission denied"]}), reasons({})
        ('permission denied', '')
    """
    errors = body.get("errors")
    return one_line("; ".join(map(str, errors))) if isinstance(errors, list) else ""


def malformed(asked: Asked) -> BackendUnavailable:
    """Return the error for an answer that Vault does not give: something else listens there, such as a login page."""
    return strange("Vault", asked, hint="check vault_url (VAULT_ADDR)")


def unreachable(error: BaseException, asked: Asked) -> BackendUnavailable:
    """Return the error for a request that got no answer: refused, unknown host, TLS, time-out."""
    why = cause(error)
    tls = "certificate" in why.lower() or "ssl" in type(error).__name__.lower()
    hint = "check vault_url (VAULT_ADDR), and that the server runs: `vault status`"
    if tls:
        hint = "name the certificate authority's file in ca_cert (VAULT_CACERT)"
    return unanswered(why, asked, hint=hint)
