"""What GitHub's answers mean as tacenda errors. Nothing that was sent is repeated, and no answer's headers."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import AccessDenied, BackendUnavailable, SecretError, Throttled, Unsupported
from tacenda.providers._asked import busy, strange, unanswered
from tacenda.providers._cause import cause
from tacenda.providers._said import one_line, seconds

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
    said = one_line(answer.body.get("message"))
    if _limited(answer, said):
        why, hint = "refuses: too many requests" + (said and f" ({said})"), "see what is left with `gh api rate_limit`"
        return busy(Throttled, why, asked, hint=hint, retry_after=_wait(answer.headers))
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"is not available (HTTP status {answer.status})"
        return busy(BackendUnavailable, why, asked, hint="see https://www.githubstatus.com")
    if answer.status in _REFUSED and not said:
        return malformed(asked)  # a proxy, or another server
    if answer.status in _REFUSED:
        # GitHub answers 404 also for what a token may not see, so that nobody learns what there is.
        either = " (there is no such place, or this token may not see it)" if answer.status == 404 else ""
        return AccessDenied(
            f"{asked.server} cannot {asked.verb} {asked.what}: {said}{either}",
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
    return strange("GitHub", asked, hint="check api_url")


def unreachable(error: BaseException, asked: Asked) -> BackendUnavailable:
    """Return the error for a request that got no answer: refused, unknown host, TLS, time-out."""
    hint = "check api_url and the network; see https://www.githubstatus.com"
    if "ssl" in type(error).__name__.lower():
        hint = "name the certificate authority's file in REQUESTS_CA_BUNDLE"
    return unanswered(cause(error), asked, hint=hint)


def _limited(answer: Answer, said: str) -> bool:
    # A 403 is a limit or a refusal: a limit tells when to come back, or says so ("secondary rate limit").
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    signs = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == HTTPStatus.FORBIDDEN and (signs or "rate limit" in said.lower())


def _wait(headers: Mapping[str, str]) -> float:
    after, reset = seconds(headers.get("retry-after")), seconds(headers.get("x-ratelimit-reset"))
    if after is None and reset is not None and headers.get("x-ratelimit-remaining") == "0":
        after = max(0.0, reset - time.time())  # that one is a time, in seconds since 1970
    return _A_MINUTE if after is None else after
