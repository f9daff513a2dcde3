"""What Key Vault's and Entra's answers mean as tacenda errors. Nothing that was sent is repeated: it may be a value."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from tacenda._errors import (
    AccessDenied,
    BackendUnavailable,
    Conflict,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers._asked import BUSY_FOR, busy, strange, unanswered
from tacenda.providers._cause import cause
from tacenda.providers._said import seconds

__all__ = [
    "BUSY",
    "DELETED",
    "DISABLED",
    "Asked",
    "Told",
    "failure",
    "refusal",
    "told",
    "way_there",
]

BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses that mean "not now" in Azure: those that its SDKs repeat."""
DISABLED = "SecretDisabled"
DELETED = "ObjectIsDeletedButRecoverable"
_SETTLING = {"ObjectIsBeingDeleted": "deleted", "ObjectIsBeingRecovered": "recovered"}
_FIREWALL = ("ForbiddenByFirewall", "ForbiddenByConnection")
_LONGEST = 400
"""How much of a reason is repeated: the caller's identity stands at its beginning."""


class Asked(NamedTuple):
    """What a request was about, for messages: `Azure Key Vault at URL cannot <verb> <what>`.

    Attributes:
        server: the vault as `describe` names it.
        verb: what was to be done, such as `read`.
        what: the secret's reference.
        denied: what to check with Azure's own commands if it is denied.
        missing: the same if there is no such secret.
        enable: the command that enables the secret.
        version: the version asked for.
    """

    server: str
    verb: str
    what: str
    denied: str
    missing: str = ""
    enable: str = ""
    version: str | None = None


class Told(NamedTuple):
    """What an answer said.

    Attributes:
        status: the HTTP status; 0 if there was no answer.
        code: the innermost of Azure's error codes, such as `SecretDisabled`; empty if the body is not Azure's.
        reason: Azure's own words, as one line.
    """

    status: int = 0
    code: str = ""
    reason: str = ""


def told(response: Any) -> Told:
    """Return what an answer, the SDK's or one of `requests`, said."""
    if response is None:
        return Told()
    body = response.content if isinstance(getattr(response, "content", None), bytes) else response.body()
    try:
        found = json.loads(body)["error"]
        code = (found.get("innererror") or {}).get("code") or found["code"]
        reason = str(found.get("message") or code).partition("\nResource: ")[0]  # where it was, our messages say too
        reason = textwrap.shorten(reason, _LONGEST, placeholder=" …")
        return Told(response.status_code, str(code), reason)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Told(response.status_code)


def failure(error: BaseException, asked: Asked) -> SecretError:
    """Return what an exception of the SDK's or of `requests` means."""
    response = getattr(error, "response", None)
    return _no_answer(error, asked) if response is None else refusal(response, asked)


def refusal(response: Any, asked: Asked) -> SecretError:
    """Return what an answer other than success means."""
    answer = told(response)
    if answer.status in BUSY:
        return _busy(answer, asked, response.headers)
    challenged = answer.status != HTTPStatus.UNAUTHORIZED or "Bearer" in response.headers.get("WWW-Authenticate", "")
    if answer.status < HTTPStatus.BAD_REQUEST or not answer.code or not challenged:
        return _malformed(asked)  # a proxy's 404 does not say that a secret is missing
    return _refusal(answer, asked)


def way_there(why: str, address: str) -> str:
    """Return what to check where nobody could be reached.

    Args:
        why: the reason, as `cause` gives it.
        address: what says where that is.
    """
    if "certificate" in why.lower():
        return "name the certificate authority's file in REQUESTS_CA_BUNDLE"
    return f"check {address}, and the way there: proxy, firewall, private endpoint"


def _no_answer(error: BaseException, asked: Asked) -> SecretError:
    if isinstance(error, ValueError) and "challenge" in str(error):
        return BackendUnavailable(
            f"{asked.server} asks for a login to another service and got none; cannot {asked.verb} {asked.what}",
            hint="check vault_url: something else answers there",
        )
    if isinstance(error, ValueError) or not (isinstance(error, OSError) or hasattr(error, "inner_exception")):
        return _malformed(asked)  # neither of requests nor of azure-core: what came could not be read
    why = cause(error)
    return unanswered(why, asked, hint=way_there(why, "vault_url"))


def _busy(answer: Told, asked: Asked, headers: Mapping[str, str]) -> SecretError:
    kind: type[SecretError] = BackendUnavailable
    why, hint = f"is not available (HTTP status {answer.status})", "see https://status.azure.com"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        kind, why = Throttled, "refuses: too many requests"
        hint = "one vault serves 4,000 requests in 10 s: keep what is read together in one secret"
    return busy(kind, why, asked, hint=hint, retry_after=seconds(headers.get("Retry-After")))


def _refusal(answer: Told, asked: Asked) -> SecretError:
    status, code, reason = answer
    message = f"{asked.server} cannot {asked.verb} {asked.what}: {reason}"
    if status == HTTPStatus.NOT_FOUND:
        what = f"no version {asked.version} of {asked.what}" if asked.version else f"no {asked.what}"
        return SecretNotFound(f"{asked.server} has {what}, or it is deleted", name=asked.what, hint=asked.missing)
    if status == HTTPStatus.CONFLICT:
        return _conflict(code, message, asked)
    if code == DISABLED:
        disabled = f"{asked.server}: {asked.what} is disabled, so nobody can read it"
        return AccessDenied(disabled, name=asked.what, hint=f"enable it: {asked.enable}")
    if code in _FIREWALL:
        return AccessDenied(
            message, name=asked.what, hint="see who is let in: `az keyvault network-rule list --name VAULT`"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AccessDenied(message, name=asked.what, hint=asked.denied)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Unsupported(message, name=asked.what)
    kind = InvalidReference if status == HTTPStatus.BAD_REQUEST else BackendUnavailable
    return kind(message, name=asked.what, hint=asked.missing or None)


def _conflict(code: str, message: str, asked: Asked) -> Conflict:
    if code in _SETTLING:
        doing = f"{asked.server}: {asked.what} is just being {_SETTLING[code]}, which takes Azure some seconds"
        return Conflict(doing, name=asked.what, hint="try again in a moment", retry_for=BUSY_FOR)
    return Conflict(message, name=asked.what, hint=asked.missing or None)


def _malformed(asked: Asked) -> BackendUnavailable:
    return strange("Key Vault", asked, hint="check vault_url, and whether a proxy answers in its place")
