"""Calls to vaults with one login: reads are plain requests, the rest goes through `SecretClient`; twice at most."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import SecretError
from tacenda.providers._azure_errors import Asked, Told, failure, refusal, told
from tacenda.providers._azure_login import Login
from tacenda.providers._azure_read import TIMEOUTS, Reader, found_in
from tacenda.providers._sdk import collector_resting, load_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Client", "Outcome"]

CONNECTIONS = 16
"""More at once did not help when measured."""


class Outcome(NamedTuple):
    """How a call ended.

    Attributes:
        found: what the SDK returned.
        error: what the refusal means, if it was refused.
        said: what the answer to a refused call said.
    """

    found: Any = None
    error: SecretError | None = None
    said: Told = Told()

    def __repr__(self) -> str:
        return f"<Outcome {self.said.status} {self.said.code} [masked]>"


class Client:
    """One login and up to 16 connections; safe for threads, not across a fork.

    Args:
        settings: the stack entry's.
        authority: where to log in; None leaves it to the SDK.
        protect: called with each credential and a label before its first use.
    """

    def __init__(
        self, settings: Mapping[str, Any], authority: str | None, protect: Callable[[str, str], object]
    ) -> None:
        self._api_version = settings.get("api_version")
        with collector_resting():
            self._session = _session()
            self._transport = _transport(self._session)
        self._login = Login(settings, authority, self._transport, protect)
        self._reader = Reader(self._session, self._login, self._api_version)
        self._own = threading.local()

    def ask(self, host: str, asked: Asked, action: Callable[[Any], Any]) -> Outcome:
        """Return how a call ended; after a refused login that of a second one with a new login.

        Args:
            host: the vault.
            asked: what the call is about, for messages.
            action: does it with a `SecretClient`.
        """
        return self._repeated(lambda: self._attempt(asked, lambda: action(self._secrets(host))))

    def read(self, host: str, name: str, version: str | None, asked: Asked) -> Outcome:
        """Return how a request for a secret ended; `found` is a `Found`."""
        return self._repeated(lambda: self._read(host, name, version, asked))

    def call(self, host: str, asked: Asked, action: Callable[[Any], Any]) -> Any:
        """Return what a call returns; see `ask`.

        Raises:
            SecretError: if it was refused.
        """
        outcome = self.ask(host, asked, action)
        if outcome.error is not None:
            raise outcome.error
        return outcome.found

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _repeated(self, attempt: Callable[[], Outcome]) -> Outcome:
        number = self._login.logins
        outcome = attempt()
        if outcome.said.status == HTTPStatus.UNAUTHORIZED and self._login.renew(number):
            outcome = attempt()
        return outcome

    def _read(self, host: str, name: str, version: str | None, asked: Asked) -> Outcome:
        outcome = self._attempt(asked, lambda: self._reader.get(host, name, version))
        response = outcome.found
        if response is None:
            return outcome
        if response.status_code != HTTPStatus.OK:
            return Outcome(error=refusal(response, asked), said=told(response))
        return self._attempt(asked, lambda: found_in(response))

    def _attempt(self, asked: Asked, action: Callable[[], Any]) -> Outcome:
        try:
            return Outcome(action())
        except SecretError as error:  # from the login; its way through the SDK's frames is forgotten
            return Outcome(error=error.with_traceback(None))
        except Exception as error:  # noqa: BLE001 - the SDK raises anything for an answer that it cannot read
            return Outcome(error=failure(error, asked), said=told(getattr(error, "response", None)))

    def _secrets(self, host: str) -> Any:
        # Of each thread's own, for the SDK's challenge policy keeps its token unguarded; connections are shared.
        clients: dict[str, Any] = self._own.__dict__
        if host not in clients:
            version = {"api_version": self._api_version} if self._api_version else {}
            sdk = load_sdk("azure.keyvault.secrets", backend="azure", extra="azure")
            clients[host] = sdk.SecretClient(
                f"https://{host}",
                self._login,
                transport=self._transport,
                retry_total=0,
                permit_redirects=False,
                logging_enable=False,
                **version,
            )
        return clients[host]


def _session() -> Any:
    requests = load_sdk("requests", backend="azure", extra="azure")
    session = requests.Session()
    session.auth = _no_other_login
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS, pool_block=True))
    return session


def _no_other_login(request: Any) -> Any:
    """Stand in for an `auth` of `requests`, which would put what ~/.netrc has for a host in the place of our token."""
    return request


def _transport(session: Any) -> Any:
    transports = load_sdk("azure.core.pipeline.transport", backend="azure", extra="azure")
    connect, answer = TIMEOUTS
    return transports.RequestsTransport(session=session, connection_timeout=connect, read_timeout=answer)
