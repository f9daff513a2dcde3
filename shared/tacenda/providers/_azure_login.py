"""The login that all threads and vaults of a process share, and what its failures mean."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tacenda._errors import AccessDenied, BackendUnavailable, ConfigurationError, SecretError, Throttled
from tacenda.providers._asked import BUSY_FOR, UNREACHABLE_FOR
from tacenda.providers._azure_credential import credential, protect_credentials
from tacenda.providers._azure_errors import BUSY, way_there
from tacenda.providers._cause import cause
from tacenda.providers._said import seconds
from tacenda.providers._sdk import collector_resting
from tacenda.providers._sdk_log import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Login"]

_WAYS = (
    "log in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; "
    "in Azure give the machine or pod an identity"
)
_IMDS = "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.169.254"
_ONLY_IDENTITY = "managedidentitycredential"
_EARLY = 300  # as the SDK does, a token is renewed this many seconds before its end
_WARNING = dict.fromkeys(  # of what our error says in one line
    (
        "azure.identity._credentials.chained",
        "azure.identity._internal.decorators",
        "azure.identity._internal.get_token_mixin",
    ),
    logging.WARNING,
)


class Login:
    """A credential in the shape that `SecretClient` takes: one login however many threads ask, and one after a refusal.

    Args:
        settings: the stack entry's.
        authority: where to log in; None leaves it to the SDK.
        transport: sends requests, as azure-core defines it.
        protect: called with each credential and a label before its first use.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        authority: str | None,
        transport: Any,
        protect: Callable[[str, str], object],
    ) -> None:
        self._settings, self._authority, self._protect = settings, authority, protect
        self._wire = _Wire(transport)
        self._lock = threading.Lock()
        self._credential: Any = None
        self._tokens: dict[Any, Any] = {}
        self.logins = 0

    def __repr__(self) -> str:
        return f"<Login number {self.logins} [masked]>"

    def get_token(self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **options: Any) -> Any:
        """Return an access token, after a login if there is none that still lasts.

        Raises:
            SecretError: if nobody can be logged in.
        """
        asked = scopes, tenant_id
        with self._lock:
            token = self._tokens.get(asked)
            if token is None or claims or token.expires_on - time.time() < _EARLY:
                token = self._tokens[asked] = self._obtain(scopes, claims=claims, tenant_id=tenant_id, **options)
                self._protect(token.token, "Azure access token")
                self.logins += 1
        return token

    def renew(self, number: int) -> bool:
        """Forget the login of a number, whose token was refused; return whether a repetition has another one."""
        with self._lock:
            if self.logins == number:
                self._tokens.clear()
                self._credential = None
            return number > 0

    def _obtain(self, scopes: tuple[str, ...], **options: Any) -> Any:
        # Failures of azure-identity hold what was sent: they are dropped, and ours is raised past them.
        if self._credential is None:
            protect_credentials(self._settings, self._protect)
            pipeline = {"transport": self._wire, "retry_total": 0, "logging_enable": False}
            with collector_resting():
                self._credential = credential(self._settings, self._authority, **pipeline)
        self._wire.ended = None
        try:
            with quiet(_WARNING):
                return self._credential.get_token(*scopes, **options)
        except Exception as error:  # noqa: BLE001 - whatever went wrong in there, nobody is logged in
            failed = _failure(str(error), self._wire.ended)
        raise failed


class _Ended(NamedTuple):
    """How a request of a login ended."""

    host: str
    status: int = 0
    retry_after: float | None = None
    why: str = ""


class _Wire:
    """A transport that keeps how its last request ended: azure-identity's exceptions say it in prose only."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.ended: _Ended | None = None

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request."""
        host = urlsplit(request.url).netloc
        try:
            response = self._transport.send(request, **options)
        except Exception as error:
            self.ended = _Ended(host, why=cause(error))
            raise
        self.ended = _Ended(host, response.status_code, seconds(response.headers.get("Retry-After")))
        return response

    def __enter__(self) -> _Wire:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing: the transport is its owner's."""

    open = close = __exit__


def _failure(message: str, ended: _Ended | None) -> SecretError:
    tried = _attempts(message)
    if ended is not None and ended.status in BUSY:
        kind = Throttled if ended.status == HTTPStatus.TOO_MANY_REQUESTS else BackendUnavailable
        busy = f"Azure refuses to log in for now, {ended.host} with HTTP status {ended.status}: {tried}"
        return kind(busy, hint="see https://status.azure.com", retry_for=BUSY_FOR, retry_after=ended.retry_after)
    if ended is not None and ended.status == HTTPStatus.OK:
        strange = f"nobody can be logged in to Azure: {ended.host} did not answer like a login service"
        return BackendUnavailable(strange, hint="check the authority (AZURE_AUTHORITY_HOST) or identity endpoint")
    if ended is None or _no_identity(ended):
        return ConfigurationError(f"there is nothing to log in to Azure with: {tried}", hint=_WAYS)
    if not ended.status:
        return BackendUnavailable(
            f"nobody can be logged in to Azure: {ended.host} cannot be reached: {ended.why}",
            hint=way_there(ended.why, "the authority (AZURE_AUTHORITY_HOST) or identity endpoint"),
            retry_for=UNREACHABLE_FOR,
        )
    return AccessDenied(
        f"Azure refuses the login: {tried}", hint="check who logs in: `az account show`, and the AZURE_… variables"
    )


def _no_identity(ended: _Ended) -> bool:
    """Return whether the metadata service knows no identity, or is not there and nothing says that it should be."""
    expected = _IMDS[0] in os.environ or os.environ.get("AZURE_TOKEN_CREDENTIALS", "").lower() == _ONLY_IDENTITY
    return ended.host == urlsplit(os.environ.get(*_IMDS)).netloc and bool(ended.status or not expected)


def _attempts(message: str) -> str:
    r"""Return what was tried and why that was no login, as one line.

    Example:
        >>> _attempts(
        ...     "Attempted credentials:\n\tEnvironmentCredential: EnvironmentCredential authentication unavailable. No."
        ...     "\n\tAzureCliCredential: Azure CLI not found on path\nTo mitigate this issue, please refer to …"
        ... )
        'EnvironmentCredential: No; AzureCliCredential: Azure CLI not found on path'
    """
    attempts = message.partition("\nTo mitigate")[0].split("\n\t")
    return "; ".join(map(_short, attempts[1:] or attempts))


def _short(attempt: str) -> str:
    line = " ".join(attempt.partition("\nContent: ")[0].split())  # after that the SDK repeats an answer
    name, colon, why = line.partition(": ")
    if not colon or " " in name:  # of a lone credential, without its name
        return line[:300]
    why = re.sub(rf"^{name} authentication unavailable[.,]? ?", "", why)
    told = [sentence for sentence in re.split(r"(?<=[.]) ", why) if "https://" not in sentence]  # links to manuals
    return f"{name}: {' '.join(told).rstrip('.')[:300] or 'unavailable'}"
