"""AWS Secrets Manager, through botocore, the part of boto3 that talks to AWS.

A cold read is one request, GetSecretValue: no list, no description, no look at who we are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

from tacenda._errors import AccessDenied, ConfigurationError, SecretError
from tacenda._naming import spell
from tacenda.providers._asked import Asked
from tacenda.providers._aws_client import Client
from tacenda.providers._aws_login import CREDENTIALS, checked_endpoint
from tacenda.providers._aws_reads import Location
from tacenda.providers._aws_secrets import Secrets
from tacenda.providers._aws_values import MAX_BYTES, encoded, size
from tacenda.providers._base import Capabilities, Place, Provider
from tacenda.providers._shared_clients import NETWORK, Connections, SharedClients, connection_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from tacenda._reference import Reference
    from tacenda._values import SecretInfo
    from tacenda.providers._base import Change, Document, Value

__all__ = ["AwsProvider"]

_CLIENTS: SharedClients[Client] = SharedClients()
_PLACES = ("prefix", "recovery_window_in_days", "secret_name")
"""Settings that say where a secret is and how long it stays, and nothing about the connection."""
_VARIABLES = ("AWS_", "BOTO", *NETWORK)
_ARN = r"arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):\d+:secret:[A-Za-z0-9/_+=.@-]{1,519}"
_STS_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS")
_WINDOW = range(7, 31)
_ABLE = Capabilities(
    write=True,
    delete=True,
    list=True,
    update=True,
    create=True,
    recreate=False,
    versions=True,
    tags=True,
    times=True,
    empty=False,
    batch=20,
    max_bytes=MAX_BYTES,
)


class AwsProvider(Provider):
    """Secrets in AWS Secrets Manager. A path is a name or an ARN; an ARN's own region is where it is asked for.

    Several keys are kept as one JSON text, as the console does. `version` is a version's id or a staging label such as
    AWSPREVIOUS. Without the grant for batches, which is a grant of its own, secrets are read one by one.

    Raises:
        ConfigurationError: for an address that is not safe, or a setting that means nothing.
    """

    backend = "aws"
    document_setting = "secret_name"
    credential_settings = CREDENTIALS
    capabilities = _ABLE
    settings_help: ClassVar[Mapping[str, str]] = {
        "region": "region, such as eu-central-1; else AWS_DEFAULT_REGION, or the profile's",
        "secret_name": "the one secret whose keys are the secrets: a name or an ARN",
        "prefix": "what every name starts with, such as `ml/`",
        "role_arn": "role to assume, with the credentials that there are otherwise",
        "role_session_name": "how the assumed role is called in CloudTrail; `tacenda` if not set",
        "external_id": "what a role of another account may ask for",
        "profile": "profile in ~/.aws/config; else AWS_PROFILE",
        "endpoint_url": "address of Secrets Manager, such as a VPC endpoint's; else AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "recovery_window_in_days": "for how long a deleted secret can be restored, 7 to 30; 30 if not set",
        "allow_http": "true allows http beyond this machine",
    }

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        if settings.get("endpoint_url"):
            checked_endpoint(str(settings["endpoint_url"]), settings)
        self._identity: str | None = None
        self._secrets = Secrets(self._client, self._described, partial(_options, settings), _window(settings))
        self.reset()

    # -- names ---------------------------------------------------------------------------------------

    def path_of(self, name: str) -> str:
        """Return a name or an ARN, escaped."""
        if not (name.startswith("arn:") and re.fullmatch(_ARN, name)):
            spell("aws", name)
        # Slashes at the ends are part of the name in AWS, and nothing in a reference.
        return re.sub(r"^/+|/+$", lambda slashes: "%2F" * len(slashes[0]), quote(name, safe=":/"))

    def place_of(self, reference: Reference) -> Place:
        """Return where a reference leads: a name of the configured region, or an ARN."""
        return Place(self.path_of(unquote(reference.path)), reference.keys)

    def describe(self) -> str:
        """Return the region and the address, and after `check` the identity."""
        return self._described(None)

    def _described(self, region: str | None) -> str:
        region = region or self._known_region() or "the profile's region"
        endpoint, who = self.settings.get("endpoint_url"), self._identity or self.settings.get("role_arn")
        return f"AWS Secrets Manager in {region}{f' at {endpoint}' if endpoint else ''}{f' as {who}' if who else ''}"

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a secret, or a version of it: one request."""
        return self._secrets.read(self._at(path), version)

    def read_many(self, paths: Sequence[str]) -> Mapping[str, Document | SecretError]:
        """Return several secrets of the first one's region: one request. Refused once, it is not tried again."""
        region = self.batched_with(paths[0])
        places = {path: self._at(path) for path in paths if self.batched_with(path) == region}
        try:
            found = self._secrets.read_many([*places.values()])
        except AccessDenied:
            self.capabilities = self.capabilities._replace(batch=1)
            raise
        return {path: found[at.id] for path, at in places.items() if at.id in found}

    def batched_with(self, path: str) -> Hashable:
        """Return the region where a secret is asked for; the configured one is looked up if it must be."""
        return self._at(path).region or self._known_region() or self._client().configured_region()

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Write a secret as a new version."""
        fields = self._fields(value)
        del value
        if create:
            return self._secrets.create(self._at(path), fields, tags)
        return self._secrets.write(self._at(path), fields, tags)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Read, change and write; AWS compares before the new version takes the place of the one that was read."""
        return self._secrets.modify(self._at(path), change, self._fields)

    def delete(self, path: str) -> None:
        """Delete a secret, recoverably for `recovery_window_in_days`."""
        self._secrets.delete(self._at(path))

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield names; deleted ones are not among them."""
        if prefix:
            spell("aws", prefix)
        return self._secrets.list(prefix)

    def info(self, path: str, version: str | None = None) -> SecretInfo:
        """Return version, times and tags."""
        return self._secrets.info(self._at(path), version)

    # -- the connection ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise unless Secrets Manager answers and knows us; then find out who that is."""
        self._secrets.check()
        emulated = str(self.settings.get("endpoint_url") or "").startswith("http:")
        if emulated and not self.settings.get("role_arn") and not os.environ.keys() & set(_STS_ENDPOINTS):
            return  # the credentials of an emulator are nothing to AWS
        asked = Asked(self.describe(), "ask", "who we are")
        try:
            told = self._client().call("get_caller_identity", asked, service="sts").data
        except SecretError:
            return  # Secrets Manager knows us, and STS may be out of reach in a private network
        self._identity = str(told.get("Arn") or "") or None

    def reset(self) -> None:
        """Forget the client with its login and connections."""
        self._connections = Connections(_CLIENTS)
        self.capabilities = _ABLE._replace(empty=self.document() is not None)  # a key of a document may well be empty

    def close(self) -> None:
        """Close the connections, unless another stack entry uses them."""
        self._connections.close()

    def _known_region(self) -> str | None:
        """Return the configured region as far as it is known without a look at the profile, which takes botocore."""
        client = self._connections.taken()
        region: str | None = self.settings.get("region") or (client.region if client else None)
        return region or os.environ.get("AWS_DEFAULT_REGION")

    def _client(self) -> Client:
        return self._connections.client(None, self._connection_key, lambda: Client(self.settings, self.protect))

    def _connection_key(self) -> Hashable:
        where = {name: value for name, value in self.settings.items() if name not in _PLACES}
        return connection_key(where, _VARIABLES)

    def _at(self, path: str) -> Location:
        name = unquote(path)
        arn = re.fullmatch(_ARN, name) if name.startswith("arn:") else None
        return Location(name, arn["region"] if arn else None, self.label(Place(path)))

    def _fields(self, value: Value) -> Mapping[str, Any]:
        fields = encoded(value)
        del value
        length = size(fields)
        if length == 0:
            raise self.unsupported("keep an empty value")
        if length > MAX_BYTES:
            raise self.too_large()
        return fields


def _options(settings: Mapping[str, Any], region: str | None) -> str:
    """Return the options with which the AWS CLI asks in the same place as the same identity."""
    chosen = {"--region": region or settings.get("region"), "--profile": settings.get("profile")}
    return "".join(f" {option} {value}" for option, value in chosen.items() if value)


def _window(settings: Mapping[str, Any]) -> int | None:
    window = settings.get("recovery_window_in_days")
    if window is not None and (not isinstance(window, int) or window not in _WINDOW):
        raise ConfigurationError(f"aws: recovery_window_in_days must be 7 to 30, not {window!r}")
    return window
