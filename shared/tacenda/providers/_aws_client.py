"""Calls to AWS: one identity in a process, one repetition after a login that is over, errors told apart by code."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tacenda._errors import SecretError
from tacenda.providers._asked import Asked
from tacenda.providers._aws_errors import code_of, failure, malformed, of_sdk, refused_login
from tacenda.providers._aws_login import Login
from tacenda.providers._sdk import collector_resting
from tacenda.providers._sdk_log import quiet

__all__ = ["Answer", "Client"]

_ALWAYS = {"ResponseMetadata"}
_TELLING = {  # values, credentials, and signed headers with the session token
    **dict.fromkeys(("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils"), logging.DEBUG),
    "botocore.credentials": logging.WARNING,  # with a traceback, what our own error says
}
_SILENT = ("tag_resource",)
"""Operations that answer nothing."""


class Answer(NamedTuple):
    """What AWS answered.

    Attributes:
        data: the answer; empty for a failure.
        code: the code of a failure that the caller expected, None for success.
        error: what that code means.
    """

    data: Mapping[str, Any]
    code: str | None = None
    error: SecretError | None = None

    def __repr__(self) -> str:
        return f"<Answer {self.code or 'ok'} [masked]>"


class Client:
    """One identity and its connections; safe for threads, not across a fork.

    Args:
        settings: the stack entry's.
        protect: called with each credential and a label before its first use.
    """

    def __init__(self, settings: Mapping[str, Any], protect: Callable[[str, str], object]) -> None:
        self._settings = settings
        self._protect = protect
        self._lock = threading.Lock()
        self._login: Login | None = None

    @property
    def region(self) -> str | None:
        """The configured region, wherever that is; None before the first call."""
        login = self._login
        return login.region if login is not None else None

    def configured_region(self) -> str | None:
        """Return the configured region, looked up if need be without a request; None if there is none."""
        try:
            with quiet(_TELLING), collector_resting(self._login is None):
                return self._logged_in().region
        except Exception as error:
            if not (of_sdk(error) or isinstance(error, SecretError)):
                raise
            return None  # the first call says what is wrong

    def call(
        self,
        operation: str,
        asked: Asked,
        *,
        region: str | None = None,
        service: str = "secretsmanager",
        expected: tuple[str, ...] = (),
        **parameters: Any,
    ) -> Answer:
        """Return the answer to one operation.

        Args:
            operation: its name as botocore's method, such as `get_secret_value`.
            asked: what the call is about, for messages.
            region: where; the configured region if None.
            service: which service.
            expected: codes of failure that the caller looks at itself.
            parameters: the operation's own. Pass values as `Secret` and `SecretBytes`: their `repr` is masked.

        Raises:
            SecretError: for every other failure.
        """

        def send(login: Login) -> Any:
            return getattr(login.client(region, service), operation)(**parameters)

        answer, refused = self._attempt(send, asked)
        if refused is not None and self._renewed(refused, asked):
            answer, _ = self._attempt(send, asked)
        if answer.error is None and not answer.data.keys() - _ALWAYS and operation not in _SILENT:
            raise malformed(asked)  # botocore takes a page with status 200 for an empty answer
        # What is worth repeating is the store's business.
        if answer.error and (answer.error.retry_for or answer.code not in expected):
            raise answer.error
        return answer

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            login, self._login = self._login, None
        if login is not None:
            login.close()

    def _attempt(self, send: Callable[[Login], Any], asked: Asked) -> tuple[Answer, Login | None]:
        """Return the answer, and the login if that is what AWS refused."""
        login: Login | None = None
        try:
            with quiet(_TELLING), collector_resting(self._login is None):
                login = self._logged_in()
                return Answer(send(login)), None
        except Exception as error:
            if not of_sdk(error):
                raise
            return Answer({}, code_of(error), failure(error, asked)), login if refused_login(error) else None

    def _logged_in(self) -> Login:
        login = self._login  # read once: another thread may replace it meanwhile
        if login is None:
            with self._lock:
                login = self._login = self._login or Login(self._settings, self._protect)
        return login

    def _renewed(self, refused: Login, asked: Asked) -> bool:
        """Return whether another login than a refused one is in use now; if need be after a new login."""
        with self._lock:
            if self._login is not refused:
                return True
            try:
                with quiet(_TELLING):
                    fresh = Login(self._settings, self._protect)
                    if not fresh.differs(refused):
                        return False
            except Exception as error:
                if not of_sdk(error):
                    raise
                failed = failure(error, asked)
            else:
                self._login = fresh
                return True
        raise failed
