"""Where GitHub keeps Actions secrets: in a repository, in one of its environments, or in an organisation."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from tacenda._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Home", "home_of"]

_OWNER = r"[A-Za-z0-9_-]+"
_REPOSITORY = _OWNER + r"/(?!\.\.?$)[A-Za-z0-9._-]+"
_VISIBILITIES = ("all", "private")


class Home(NamedTuple):
    """One set of secrets.

    Attributes:
        url: the path of the set in the API.
        name: what it is called in messages.
        flags: what `gh secret` takes to get there.
        organization: whether it is an organisation's, whose secrets say which repositories they are for.
    """

    url: str
    name: str
    flags: str
    organization: bool = False


def home_of(settings: Mapping[str, Any], repository: str | None = None) -> Home:
    """Return the set that settings name.

    Args:
        settings: `repository` (else GH_REPO), with or without `environment`; or `organization`.
        repository: a reference's own; then its repository secrets are meant.

    Raises:
        ConfigurationError: if they name none, or two at once.
    """
    organization, environment = settings.get("organization"), settings.get("environment")
    if repository is None and organization:
        return _of_organization(str(organization), settings)
    if settings.get("visibility") and repository is None:
        raise ConfigurationError("github: 'visibility' is for the secrets of an 'organization' only")
    chosen = str(repository or settings.get("repository") or os.environ.get("GH_REPO") or "")
    if not chosen:
        raise ConfigurationError(
            "github: whose secrets is not said: there is no 'repository'",
            hint="set repository: OWNER/REPO (or GH_REPO), or organization",
        )
    if not re.fullmatch(_REPOSITORY, chosen):
        raise ConfigurationError(f"github: 'repository' must be OWNER/REPO, not {chosen!r}")
    if environment and repository is None:
        return Home(
            f"/repos/{chosen}/environments/{quote(str(environment), safe='')}/secrets",
            f"the environment {environment} of {chosen}",
            f"--repo {chosen} --env {environment}",
        )
    return Home(f"/repos/{chosen}/actions/secrets", f"the repository {chosen}", f"--repo {chosen}")


def _of_organization(organization: str, settings: Mapping[str, Any]) -> Home:
    if settings.get("repository") or settings.get("environment"):
        raise ConfigurationError(
            "github: 'organization' excludes 'repository' and 'environment'", hint="for both, chain two entries"
        )
    if not re.fullmatch(_OWNER, organization):
        raise ConfigurationError(f"github: 'organization' must be an organisation's name, not {organization!r}")
    if settings.get("visibility", "private") not in _VISIBILITIES:
        raise ConfigurationError(
            f"github: 'visibility' must be {' or '.join(_VISIBILITIES)}",
            hint="for selected repositories: `gh secret set NAME --org ORG --repos …`",
        )
    return Home(
        f"/orgs/{organization}/actions/secrets",
        f"the organisation {organization}",
        f"--org {organization}",
        organization=True,
    )
