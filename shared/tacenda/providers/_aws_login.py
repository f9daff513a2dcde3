"""One AWS identity: where its credentials come from, and clients that use them.

botocore, the part of boto3 that does the work, is used directly: importing the rest is a seventh of a cold read.
"""

from __future__ import annotations

import copy
import functools
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tacenda._errors import ConfigurationError
from tacenda.providers._address import checked_url
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["CREDENTIALS", "Login", "checked_endpoint"]

CREDENTIALS = frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token"})
"""What a configuration file may not hold."""

CONNECTIONS = 16
"""More at once did not help when measured."""
_CONNECT, _READ = 5, 30
"""Seconds to connect, and to wait for an answer."""

_SESSION_NAME = "tacenda"
_TRIED = (
    "tried, in this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile's role, web identity "
    "(AWS_WEB_IDENTITY_TOKEN_FILE), ~/.aws/credentials and ~/.aws/config, the container's and the instance's role"
)


class Login:
    """One identity. Its credentials are resolved once, and refreshed before they expire where they do.

    Args:
        settings: the stack entry's.
        protect: called with each credential and a label before its first use.
    """

    def __init__(self, settings: Mapping[str, Any], protect: Callable[[str, str], object]) -> None:
        self._settings = settings
        self._protect = protect
        self._lock = threading.RLock()
        self._clients: dict[Hashable, Any] = {}
        self._used: Any = None
        self._failed: tuple[float, Exception] | None = None
        self._session = _session(settings)

    @property
    def region(self) -> str | None:
        """The region that is configured somewhere."""
        found: str | None = self._session.get_config_variable("region")
        return found

    def client(self, region: str | None = None, service: str = "secretsmanager") -> Any:
        """Return the client of a service in a region, made if there is none.

        Raises:
            ConfigurationError: if there are no credentials, no region, or the address is not safe.
        """
        region = region or self.region
        key = (service, region)
        asked = time.monotonic()
        with self._lock:  # making a client is not thread-safe, and many threads need the same first one
            self._ensure_credentials(asked)
            if key not in self._clients:
                self._clients[key] = self._make(service, region)
            return self._clients[key]

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def differs(self, other: Login) -> bool:
        """Return whether this login's credentials are others than those that another one used last."""
        self._protect_credentials()
        return bool(self._used != other._used)

    def _ensure_credentials(self, asked: float) -> None:
        # Looking for credentials in vain takes 2 s where nobody answers for the instance's role, and longer at an STS
        # out of reach: who has waited for another thread to do so shares its failure instead of going next.
        if self._failed is not None and asked < self._failed[0]:
            raise copy.copy(self._failed[1])
        try:
            self._protect_credentials()
        except Exception as error:
            self._failed = time.monotonic(), copy.copy(error)
            raise

    def _protect_credentials(self) -> None:
        found = self._session.get_credentials()
        if found is None:
            raise ConfigurationError(f"aws: there are no credentials; {_TRIED}", hint="see `aws configure list`")
        frozen = found.get_frozen_credentials()  # refreshed if need be; the request then uses the same
        if frozen != self._used:
            for value, label in ((frozen.secret_key, "AWS secret access key"), (frozen.token, "AWS session token")):
                if value:
                    self._protect(value, label)
            self._used = frozen

    def _make(self, service: str, region: str | None) -> Any:
        if not region:
            raise ConfigurationError(
                "aws: no region is set", hint="set region, or AWS_DEFAULT_REGION, or the profile's region"
            )
        endpoint = self._settings.get("endpoint_url") if service == "secretsmanager" else None
        made = self._session.create_client(service, region_name=region, endpoint_url=endpoint)
        checked_endpoint(made.meta.endpoint_url, self._settings, f"the endpoint of {service}")
        return made


def _session(settings: Mapping[str, Any]) -> Any:
    session = load_sdk("botocore.session", backend="aws", extra="aws").Session(profile=settings.get("profile"))
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    region = settings.get("region") or session.get_config_variable("region") or os.environ.get("AWS_REGION")
    session.set_config_variable("region", region)  # STS's too; the last one is the other SDKs' variable
    session.set_default_client_config(
        load_sdk("botocore.config", backend="aws", extra="aws").Config(
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            max_pool_connections=CONNECTIONS,
            parameter_validation=False,  # its messages repeat what was given, and AWS validates
            retries={"total_max_attempts": 1},
        )
    )
    if CREDENTIALS & set(settings) or settings.get("role_arn"):
        session.register_component("credential_provider", _Chosen(session, settings))
    return session


@functools.cache
def _loader(path: str | None) -> Any:
    """Return what loads the descriptions of services, one for all logins: parsing them is most of making a client."""
    return load_sdk("botocore.loaders", backend="aws", extra="aws").create_loader(path)


class _Chosen:
    """Credentials from the settings: given ones, a role that they or the standard chain's assume, or both."""

    def __init__(self, session: Any, settings: Mapping[str, Any]) -> None:
        self._session = session
        self._settings = settings
        self._chain = session.get_component("credential_provider")

    def load_credentials(self) -> Any:
        """Return the credentials, None if there are none: what botocore asks this component for."""
        from botocore.credentials import Credentials, DeferredRefreshableCredentials

        given = [self._settings.get(f"aws_{name}") for name in ("access_key_id", "secret_access_key", "session_token")]
        if given[0] and not given[1]:
            raise ConfigurationError("aws: aws_access_key_id is set without aws_secret_access_key")
        source = Credentials(*given) if given[0] else self._chain.load_credentials()
        if source is None or not self._settings.get("role_arn"):
            return source
        fetcher = self._fetcher(source)
        return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)

    def _fetcher(self, source: Any) -> Any:
        from botocore.credentials import AssumeRoleCredentialFetcher

        settings = self._settings
        extra = {"RoleSessionName": settings.get("role_session_name") or _SESSION_NAME}
        if settings.get("external_id"):
            extra["ExternalId"] = settings["external_id"]
        return AssumeRoleCredentialFetcher(self._sts, source, settings["role_arn"], extra_args=extra)

    def _sts(self, service: str, **options: Any) -> Any:
        # `endpoint_url` is that of Secrets Manager; STS's own is AWS_ENDPOINT_URL_STS.
        made = self._session.create_client(service, **options)
        checked_endpoint(made.meta.endpoint_url, self._settings, f"the endpoint of {service}")
        return made


def checked_endpoint(url: str, settings: Mapping[str, Any], what: str = "endpoint_url") -> str:
    """Return an endpoint's address if it is safe; for errors see `checked_url`."""
    return checked_url(
        url,
        f"aws: {what}",
        settings,
        example="https://secretsmanager.eu-central-1.amazonaws.com",
        credentials="`aws configure list` for where they go",
    )
