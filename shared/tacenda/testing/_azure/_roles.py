"""Who may do what: the data actions of Azure's roles; page "Azure built-in roles for Security"."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from tacenda.testing._azure._messages import ServiceError

__all__ = ["OFFICER", "READER", "ROLES", "USER", "Access"]

OFFICER = "Key Vault Secrets Officer"
USER = "Key Vault Secrets User"
READER = "Key Vault Reader"
ROLES: Mapping[str, tuple[str, ...]] = {
    OFFICER: (
        "backup/action",
        "delete",
        "getSecret/action",
        "purge/action",
        "readMetadata/action",
        "recover/action",
        "restore/action",
        "setSecret/action",
        "update/action",
    ),
    USER: ("getSecret/action", "readMetadata/action"),
    READER: ("readMetadata/action",),
}
"""Each role's data actions below `Microsoft.KeyVault/vaults/secrets/`."""

_VAULT = "/subscriptions/{0}/resourcegroups/tacenda/providers/microsoft.keyvault/vaults/tacenda"
_SUBSCRIPTION = "00000000-0000-4000-8000-00000000000b"


class Access:
    """What whoever is logged in may do.

    Attributes:
        role: one of `ROLES`, or empty for none; everybody has it.
        denied: names, in lower case, on which nobody has any role.
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self.denied: frozenset[str] = frozenset()

    @contextlib.contextmanager
    def denying(self, names: Iterable[str]) -> Iterator[None]:
        """Inside the block these names are denied too."""
        before, self.denied = self.denied, self.denied | {name.lower() for name in names}
        try:
            yield
        finally:
            self.denied = before

    @contextlib.contextmanager
    def granting(self, role: str) -> Iterator[None]:
        """Inside the block this is everybody's role."""
        before, self.role = self.role, role
        try:
            yield
        finally:
            self.role = before

    def check(self, caller: str, action: str, name: str | None) -> None:
        """Raise the service's 403, ForbiddenByRbac, unless an action on a secret, or on all if None, is allowed."""
        if action in ROLES.get(self.role, ()) and (name is None or name.lower() not in self.denied):
            return
        resource = _VAULT.format(_SUBSCRIPTION) + (f"/secrets/{name.lower()}" if name else "")
        message = (
            "Caller is not authorized to perform action on resource.\r\n"
            "If role assignments, deny assignments or role definitions were changed recently, "
            "please observe propagation time.\r\n"
            f"Caller: {caller}\r\n"
            f"Action: 'Microsoft.KeyVault/vaults/secrets/{action}'\r\n"
            f"Resource: '{resource}'\r\n"
            "Assignment: (not found)\r\n"
            "DenyAssignmentId: null\r\n"
            "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
            "Vault: tacenda;location=local\r\n"
        )
        raise ServiceError(403, "Forbidden", message, "ForbiddenByRbac")
