"""What GitHub's answers mean as tacenda errors. Nothing that was sent is repeated, and no answer's headers."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import AccessDenied, BackendUnavailable, SecretError, Throttled, Unsupported
from tacenda.providers._asked import BUSY_FOR, UNREACHABLE_FOR
from tacenda.providers._cause import cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tacenda.providers._asked import Asked

__all__ = ["WHO", "Answer", "failure", "malformed", "unreachable"]

WHO = "see whose token it is and what it may do: `gh auth status`"
# "Rate limits for the REST API": without any header, wait for at least one minute.
_A_MINUTE = 60.0
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_MOVED = (301, 302, 307, 308)


class Answer(NamedTuple):
    """What GitHub answered: the HTTP status, the headers in lower case, and the JSON object (empty if none)."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], text: str) -> Answer:
        """Return an answer with its body read."""
        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        return cls(status, headers, body if isinstance(body, dict) else {})


def failure(answer: Answer, asked: Asked) -> SecretError:
    """Return the error that an answer other than success means."""
    said = " ".join(str(answer.body.get("message") or "").split())[:300]
    if _limited(answer, said):
        return Throttled(
            f"{asked.server} refuses: too many requests; cannot {asked.verb} {asked.what}{said and f': {said}'}",
            hint="see what is left with `gh api rate_limit`",
            retry_for=BUSY_FOR,
            retry_after=_wait(answer.headers),
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return BackendUnavailable(
            f"{asked.server} is not available; cannot {asked.verb} {asked.what} (HTTP status {answer.status})",
            hint="see https://www.githubstatus.com",
            retry_for=BUSY_FOR,
        )
    if answer.status in _REFUSED and not said:
        return malformed(asked)  # a proxy, or another server
    if answer.status in _REFUSED:
        # GitHub answers 404 also for what a token may not see, so that nobody learns what there is.
        either = " (there is no such place, or this token may not see it)" if answer.status == 404 else ""
        return AccessDenied(
            f"{asked.server} refuses to {asked.verb} {asked.what}: {said}{either}",
            hint=WHO if answer.status == 401 else f"it needs the permission 'Secrets', read and write; {WHO}",
        )
    if answer.status in _MOVED:
        return BackendUnavailable(
            f"{asked.server} has moved; cannot {asked.verb} {asked.what}", hint="write its new name into `repository`"
        )
    kind = Unsupported if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY else BackendUnavailable
    return kind(
        f"{asked.server} cannot {asked.verb} {asked.what}: {said or f'HTTP status {answer.status}'}", hint=asked.hint
    )


def malformed(asked: Asked) -> BackendUnavailable:
    """Return the error for an answer that GitHub does not give: something else listens there, such as a login page."""
    return BackendUnavailable(
        f"{asked.server} did not answer like GitHub to {asked.verb} {asked.what}", hint="check api_url"
    )


def unreachable(error: BaseException, asked: Asked) -> BackendUnavailable:
    """Return the error for a request that got no answer: refused, unknown host, TLS, time-out."""
    why, tls = cause(error), "ssl" in type(error).__name__.lower()
    return BackendUnavailable(
        f"{asked.server} cannot be reached to {asked.verb} {asked.what}: {why}",
        hint="name the certificate authority's file in REQUESTS_CA_BUNDLE"
        if tls
        else "check api_url and the network; see https://www.githubstatus.com",
        retry_for=UNREACHABLE_FOR,
    )


def _limited(answer: Answer, said: str) -> bool:
    # A 403 is a limit or a refusal: a limit tells when to come back, or says so ("secondary rate limit").
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    signs = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == HTTPStatus.FORBIDDEN and (signs or "rate limit" in said.lower())


def _wait(headers: Mapping[str, str]) -> float:
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isdigit():
        return float(after)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, float(reset) - time.time())
    return _A_MINUTE
