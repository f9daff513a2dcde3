"""Resource names of Secret Manager, global and regional, and the project numbers in its answers."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace

from tacenda.testing._gcp._errors import invalid_argument

__all__ = ["LATEST", "Resource", "parse", "project_number"]

LATEST = "latest"

_NAME = re.compile(
    r"projects/(?P<project>[^/]+)"
    r"(?:/locations/(?P<location>[^/]+))?"
    r"(?:/secrets/(?P<secret>[A-Za-z0-9_-]{1,255})(?:/versions/(?P<version>[A-Za-z0-9_-]+))?)?"
)


@dataclass(frozen=True)
class Resource:
    """A project, a location of it, a secret or a version, with the project's number instead of its id.

    Attributes:
        project: the project's number.
        location: where a regional secret lives; None for a global one.
        secret: the secret's id; None for a project or location.
        version: a number, `latest` or an alias; None for a secret.
    """

    project: str
    location: str | None = None
    secret: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        parts = [f"projects/{self.project}"]
        for collection, value in (("locations", self.location), ("secrets", self.secret), ("versions", self.version)):
            if value is not None:
                parts.append(f"{collection}/{value}")
        return "/".join(parts)

    @property
    def parent(self) -> Resource:
        """The project or location that the secret is in."""
        return Resource(self.project, self.location)

    def of_secret(self, secret: str) -> Resource:
        """Return the resource of a secret in this project or location."""
        return replace(self, secret=secret, version=None)

    def without_version(self) -> Resource:
        """Return the resource of the secret that this version is of."""
        return replace(self, version=None)

    def at(self, version: object) -> Resource:
        """Return the resource of a version of this secret."""
        return replace(self, version=str(version))


def parse(name: str, kind: str) -> Resource:
    """Return what a resource name means.

    Args:
        name: such as `projects/example-project/secrets/api-keys/versions/latest`.
        kind: what it has to be: `parent`, `secret` or `version`.

    Raises:
        Refused: with INVALID_ARGUMENT, if it is something else.
    """
    match = _NAME.fullmatch(name)
    if not match or kind != _kind(match["secret"], match["version"]):
        raise invalid_argument(f"Resource ID [{name}] is not in a valid format.")
    return Resource(project_number(match["project"]), match["location"], match["secret"], match["version"])


def project_number(project: str) -> str:
    """Return the number of a project, given its id or number: always the same one for the same id."""
    return project if project.isdigit() else str(100_000_000_000 + zlib.crc32(project.encode()))


def _kind(secret: str | None, version: str | None) -> str:
    if secret is None:
        return "parent"
    return "secret" if version is None else "version"
