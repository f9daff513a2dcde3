"""Application Default Credentials: found once, renewed when their time is up or the server refuses them.

The SDK would renew them inside gRPC, where a refused login reads like a server that is down. So it is done here,
before a call, and gRPC gets a token that is good. As in the SDK, service accounts sign their own tokens.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from tacenda._errors import AccessDenied, BackendUnavailable, ConfigurationError
from tacenda._values import Secret
from tacenda.providers._asked import BUSY_FOR, UNREACHABLE_FOR
from tacenda.providers._said import one_line
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda._errors import SecretError

__all__ = ["Login"]

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_WHAT_TO_DO = (
    "on your machine run `gcloud auth application-default login`; elsewhere name a key or workload identity file in "
    "GOOGLE_APPLICATION_CREDENTIALS, or attach a service account to the machine"
)
_OWN = {"refresh_token": "Google refresh token", "client_secret": "Google client secret"}
_GCLOUD_FILE = "application_default_credentials.json"
_PROJECTS = "cloudresourcemanager"


class Login:
    """The credentials of one client; safe for threads, not across a fork.

    Args:
        server: the server, for messages.
        protect: called with each credential and a label before its first use.
        project: the project if it is known; then nobody is asked for it.

    Attributes:
        project: the project of the credentials, else the one given.

    Raises:
        ConfigurationError: if there are no credentials, or their file is no good.
        BackendUnavailable: if they could not be asked for.
    """

    def __init__(self, server: str, protect: Callable[[str, str], object], project: str | None) -> None:
        self._server = server
        self._protect = protect
        self._lock = threading.Lock()
        self._exceptions = load_sdk("google.auth.exceptions", backend="gcp", extra="gcp")
        self._request = load_sdk("google.auth.transport.requests", backend="gcp", extra="gcp").Request()
        self._credentials, found = self._find(project)
        self.project: str | None = project or found
        for attribute, label in _OWN.items():
            value = getattr(self._credentials, attribute, None)
            if isinstance(value, str) and value:
                protect(value, label)

    @property
    def identity(self) -> str | None:
        """Who the credentials are for, as far as they tell: a service account or a person."""
        for attribute in ("service_account_email", "account"):
            name = getattr(self._credentials, attribute, None)
            if isinstance(name, str) and "@" in name:
                return name
        return None

    def token(self) -> Secret:
        """Return a token that is good for a while yet.

        Raises:
            AccessDenied: if the login is refused.
            BackendUnavailable: if it could not be tried.
        """
        if not self._credentials.valid:
            with self._lock:
                if not self._credentials.valid:
                    self._refresh()
        return Secret(self._credentials.token)

    def renew(self, refused: Secret) -> None:
        """Get a new token in place of one that the server refused, unless another thread has done so."""
        with self._lock:
            if self._credentials.token == refused:
                self._refresh()

    def headers(self, _context: object, callback: Callable[[list[tuple[str, str]], Exception | None], None]) -> None:
        """Give gRPC the headers of a call: the token, and the project that pays if the credentials name one."""
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        callback(list(headers.items()), None)

    def _refresh(self) -> None:
        failed: SecretError | None = None
        try:
            self._credentials.refresh(self._request)
        except (self._exceptions.GoogleAuthError, OSError) as error:  # or a file that requests or the login needs
            failed = self._refused(error)
        if failed:
            raise failed
        self._protect(str(self._credentials.token), "Google access token")

    def _find(self, project: str | None) -> tuple[Any, str | None]:
        google_auth = load_sdk("google.auth", backend="gcp", extra="gcp")
        try:
            if project is not None and (credentials := _gcloud_login()) is not None:
                return credentials, project
            credentials, found = google_auth.default(scopes=_SCOPES, request=self._quick(project is not None))
            if hasattr(credentials, "with_always_use_jwt_access"):
                credentials = credentials.with_always_use_jwt_access(True)
        except self._exceptions.DefaultCredentialsError as error:
            failed = self._not_found(error)
        except self._exceptions.GoogleAuthError as error:
            failed = self._refused(error)
        except (AttributeError, OSError, TypeError, ValueError) as error:  # no file to read, or JSON of another kind
            failed = self._not_found(error)
        else:
            return credentials, found
        raise failed

    def _quick(self, project_known: bool) -> Callable[..., Any]:
        """Return how to ask while credentials are looked for: a machine without a metadata server is soon told.

        google-auth asks three times with waits between, also where nothing answers; on Google's machines it looks at
        the firmware too. And it would look up the project of a workload identity, though we may have it.
        """
        request, unreachable = self._request, self._exceptions.TransportError

        def ask(url: str, *arguments: Any, **options: Any) -> Any:
            parts = urlsplit(url)
            if project_known and (parts.hostname or "").startswith(_PROJECTS):
                return _NoAnswer()
            try:
                return request(url, *arguments, **options)
            except unreachable:
                if parts.path:
                    raise
            return _NoAnswer()

        return ask

    def _refused(self, error: Any) -> SecretError:
        why = _why(error)
        identity = self.identity if hasattr(self, "_credentials") else None
        who = f" as {identity}" if identity else ""
        if isinstance(error, (self._exceptions.TransportError, OSError)):
            return BackendUnavailable(
                f"{self._server}: the login{who} cannot be tried: {why}",
                hint="check the network, its proxy, and REQUESTS_CA_BUNDLE",
                retry_for=UNREACHABLE_FOR,
            )
        if getattr(error, "retryable", False):
            return BackendUnavailable(f"{self._server}: no login{who} for now: {why}", retry_for=BUSY_FOR)
        return AccessDenied(f"{self._server}: the login{who} is refused: {why}", hint=_WHAT_TO_DO)

    def _not_found(self, error: Any) -> SecretError:
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            why = f"GOOGLE_APPLICATION_CREDENTIALS is no login: {_why(error)}"
            return ConfigurationError(f"gcp: {why}", hint=_WHAT_TO_DO)
        file = _gcloud_file()
        return ConfigurationError(
            f"gcp: there is nothing to log in to {self._server} with",
            tried=[
                "the variable GOOGLE_APPLICATION_CREDENTIALS: not set",
                f"gcloud's login {file}: {'of no use' if file.exists() else 'not there'}",
                "the metadata server of Google Cloud: not reachable",
            ],
            hint=_WHAT_TO_DO,
        )


def _why(error: Any) -> str:
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"{error.filename}: {error.strerror}")
    # The first argument alone: google-auth's second one is the server's whole answer.
    return one_line(error.args[0] if error.args else type(error).__name__)


def _gcloud_file() -> Path:
    return Path(os.environ.get("CLOUDSDK_CONFIG") or "~/.config/gcloud").expanduser() / _GCLOUD_FILE


def _gcloud_login() -> Any:
    """Return what `gcloud auth application-default login` left, if that is what google-auth would find; else None.

    google-auth would run gcloud to ask for the project, which takes a second, and the project is known.
    """
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or str(_gcloud_file())
    if path != str(_gcloud_file()):
        return None
    try:
        if json.loads(Path(path).read_bytes()).get("type") != "authorized_user":
            return None
    except (OSError, ValueError, AttributeError):
        return None  # google-auth has the words for what is wrong
    module = load_sdk("google.oauth2.credentials", backend="gcp", extra="gcp")
    try:
        return module.Credentials.from_authorized_user_file(path).with_quota_project_from_environment()
    except ValueError:
        return None


class _NoAnswer:
    """An answer that says no, to google-auth."""

    status = 503
    headers: ClassVar[dict[str, str]] = {}
    data = b"{}"  # read as JSON before the status is looked at
