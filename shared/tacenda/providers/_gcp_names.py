"""Where secrets are in Secret Manager: projects, locations and names, the endpoints that serve them, gcloud's words."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from tacenda._errors import ConfigurationError, InvalidReference
from tacenda._naming import spell
from tacenda.providers._address import checked_url

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_HOST", "Endpoint", "SecretName", "checked_version", "endpoint", "path_of", "project", "secret_name"]

DEFAULT_HOST = "secretmanager.googleapis.com"
_REGIONAL_HOST = "secretmanager.{}.rep.googleapis.com"
# Patterns as text: `re` compiles each when it is first used.
_REGIONAL = r"secretmanager\.(?P<location>[a-z0-9-]+)\.rep\.[a-z0-9.-]+(?::\d+)?"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?"
_PROJECT = r"[A-Za-z0-9][A-Za-z0-9.:_-]*"  # an id, a number, or `example.com:project`
_LOCATION = r"[a-z0-9-]+"
_VERSION = r"[1-9][0-9]*|[A-Za-z][A-Za-z0-9_-]{0,62}"  # a number, `latest`, or an alias
_FORM = "write gcp://PROJECT/SECRET, gcp://PROJECT/locations/LOCATION/SECRET, or the resource name"


class Endpoint(NamedTuple):
    """A server of the API.

    Attributes:
        target: host, and port if it is not 443.
        tls: False for an emulator, which is asked in clear text and without a login.
        location: the location whose secrets it serves; None for global secrets.
        chosen: whether a setting named it; then it is asked for every location.
    """

    target: str
    tls: bool = True
    location: str | None = None
    chosen: bool = False

    def __str__(self) -> str:
        return f"Google Secret Manager at {self.target}"

    def serving(self, location: str | None) -> Endpoint:
        """Return the endpoint for the secrets of a location: Google keeps each location's at a host of its own."""
        if self.chosen or location is None:
            return self
        return Endpoint(_REGIONAL_HOST.format(location), location=location)


class SecretName(NamedTuple):
    """A secret, or with an empty name the place that secrets are in.

    Attributes:
        project: the project's id or number; None until the login has told it.
        location: where a regional secret is; None for a global one.
        name: the secret's own name.
    """

    project: str | None
    location: str | None
    name: str = ""

    @property
    def parent(self) -> str:
        """The resource name of the place."""
        where = f"/locations/{self.location}" if self.location else ""
        return f"projects/{self.project}{where}"

    @property
    def resource(self) -> str:
        """The resource name of the secret."""
        return f"{self.parent}/secrets/{self.name}"

    @property
    def label(self) -> str:
        """The reference of the secret, for messages."""
        return f"gcp://{path_of(self)}"

    def command(self, verb: str, *words: str) -> str:
        """Return a command of gcloud about secrets here, such as `gcloud secrets describe NAME`."""
        options = [f"--project={self.project}"] if self.project else []
        options += [f"--location={self.location}"] if self.location else []
        return f"`{' '.join(['gcloud secrets', verb, *words, *options])}`"


def path_of(at: SecretName) -> str:
    """Return a secret's path in references: `[PROJECT/[locations/LOCATION/]]NAME`.

    Raises:
        InvalidReference: if the name is illegal in Secret Manager.
    """
    spell("gcp", at.name)
    if at.project is None:
        return at.name
    location = f"locations/{at.location}/" if at.location else ""
    return f"{quote(at.project, safe=':')}/{location}{at.name}"


def secret_name(path: str, project: str | None, location: str | None) -> SecretName:
    """Return which secret a path names.

    Args:
        path: `NAME`, `PROJECT/NAME`, `PROJECT/locations/LOCATION/NAME`, or a whole resource name.
        project: the project of a name alone.
        location: the location of paths without one: that of a regional endpoint.

    Raises:
        InvalidReference: if it names none.
    """
    match [unquote(part) for part in path.split("/")]:
        case [name]:
            at = SecretName(project, location, name)
        case [owner, name] | ["projects", owner, "secrets", name]:
            at = SecretName(owner, location, name)
        case [owner, "locations", where, name] | ["projects", owner, "locations", where, "secrets", name]:
            at = SecretName(owner, where, name)
        case _:
            raise InvalidReference(f"gcp://{path} names no secret", name=path, hint=_FORM)
    project_legal = at.project is None or re.fullmatch(_PROJECT, at.project)
    if not project_legal or not (at.location is None or re.fullmatch(_LOCATION, at.location)):
        raise InvalidReference(f"gcp://{path} names no project or location that there could be", name=path, hint=_FORM)
    spell("gcp", at.name)
    return at


def checked_version(version: str | None, at: SecretName) -> str:
    """Return a version as the API takes it: a number, an alias, or `latest` for None.

    Raises:
        InvalidReference: for what can be none of them.
    """
    if version is not None and not re.fullmatch(_VERSION, version):
        raise InvalidReference(
            f"{version!r} is no version of {at.label}: versions are 1, 2, 3 …, `latest` and aliases", name=at.label
        )
    return version or "latest"


def project(settings: Mapping[str, Any]) -> str | None:
    """Return the project that settings or environment name; None leaves it to the login.

    Raises:
        ConfigurationError: if there can be no such project.
    """
    written = settings.get("project_id") or os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not written:
        return None
    name = str(written).removeprefix("projects/")
    if not re.fullmatch(_PROJECT, name):
        raise ConfigurationError(
            f"gcp: project_id must be the id or number of a project, not {name!r}",
            hint="`gcloud projects list` shows them",
        )
    return name


def endpoint(settings: Mapping[str, Any]) -> Endpoint:
    """Return the server that `api_endpoint` names, else Google's.

    Raises:
        ConfigurationError: if it is no host, holds credentials, or is http beyond loopback without `allow_http`.
    """
    written = str(settings.get("api_endpoint") or "").rstrip("/")
    if not written:
        return Endpoint(DEFAULT_HOST)
    scheme, _, rest = written.rpartition("://")
    if "@" in rest:
        raise ConfigurationError(
            "gcp: api_endpoint holds credentials", hint="the login comes from Application Default Credentials"
        )
    if scheme not in ("", "http", "https") or not re.fullmatch(_HOST, rest):
        raise ConfigurationError(
            "gcp: api_endpoint must be HOST[:PORT], such as secretmanager.europe-west3.rep.googleapis.com",
            hint="an emulator without TLS is http://127.0.0.1:PORT",
        )
    if scheme == "http":
        login = "Application Default Credentials, which the login comes from"
        checked_url(written, "gcp: api_endpoint", settings, example="http://127.0.0.1:9090", credentials=login)
    regional = re.fullmatch(_REGIONAL, rest)
    return Endpoint(rest, scheme != "http", regional["location"] if regional else None, chosen=True)
