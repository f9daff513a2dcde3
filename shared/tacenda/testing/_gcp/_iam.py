"""What the logins may do: by IAM roles that all of them have in all projects."""

from __future__ import annotations

from tacenda.testing._gcp._faults import Fault

__all__ = ["Access"]

_ACCESSOR = "roles/secretmanager.secretAccessor"
_ADMIN = "roles/secretmanager.admin"

_VERSIONS = ("add", "destroy", "disable", "enable", "get", "list")
_SECRETS = ("create", "delete", "get", "list", "update")
_VIEW = {f"secretmanager.{what}" for what in ("secrets.get", "secrets.list")} | {
    f"secretmanager.versions.{verb}" for verb in ("get", "list")
}
_EVERYTHING = (
    {f"secretmanager.versions.{verb}" for verb in _VERSIONS}
    | {f"secretmanager.secrets.{verb}" for verb in _SECRETS}
    | {"secretmanager.versions.access"}
)
# IAM documentation, "Secret Manager roles"; the permissions for one project's resources only.
_ROLES = {
    _ACCESSOR: {"secretmanager.versions.access"},
    _ADMIN: _EVERYTHING,
    "roles/owner": _EVERYTHING,
    "roles/secretmanager.viewer": _VIEW,
    "roles/secretmanager.secretVersionAdder": {"secretmanager.versions.add"},
    "roles/secretmanager.secretVersionManager": {f"secretmanager.versions.{verb}" for verb in _VERSIONS},
}


class Access:
    """The roles that every login has in all projects."""

    def __init__(self) -> None:
        self._roles: tuple[str, ...] = (_ADMIN,)

    def reset(self) -> None:
        """Make everybody an administrator again."""
        self._roles = (_ADMIN,)

    def limit(self, roles: tuple[str, ...]) -> Fault:
        """Give everybody these roles in all projects, and no others.

        Raises:
            ValueError: for a role that the double does not know.
        """
        unknown = sorted(set(roles) - set(_ROLES))
        if unknown:
            raise ValueError(f"unknown role {unknown[0]!r}; known are {', '.join(sorted(_ROLES))}")
        before, self._roles = self._roles, roles

        def end() -> None:
            self._roles = before

        return Fault(end)

    def allows(self, permission: str) -> bool:
        """Return whether they have a permission, such as `secretmanager.versions.access`."""
        return any(permission in _ROLES[role] for role in self._roles)
