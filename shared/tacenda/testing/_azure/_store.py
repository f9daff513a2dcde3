"""What a vault holds, by name, and the moves that the service allows."""

from __future__ import annotations

import copy
import secrets
import threading

from tacenda.testing._azure._messages import ServiceError
from tacenda.testing._azure._secrets import Recovery, Secret, Version

__all__ = ["Store"]

_HELP = (
    "was not found in this key vault. If you recently deleted this secret you may be able to recover it using the "
    "correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)

_NO_PURGE = (
    'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
    "automatically purge it after the retention period has passed.\r\nVault: tacenda;location=local\r\n"
)


class Store:
    """The secrets of one vault.

    Args:
        recovery: how deleted ones are kept.
        delay: how long a deletion, recovery or purge takes, in seconds.
    """

    def __init__(self, recovery: Recovery, delay: float) -> None:
        self.recovery = recovery
        self.lock = threading.RLock()  # held during each request: one after the other, as the tests see them
        self._delay = delay
        self._secrets: dict[str, Secret] = {}
        self._backups: dict[str, Secret] = {}

    def active(self, name: str) -> Secret:
        """Return a secret that is there and not deleted."""
        secret = self._find(name)
        if secret is None or secret.state != "active" or not secret.settled:
            raise ServiceError(404, "SecretNotFound", f"A secret with (name/id) {name} {_HELP}")
        return secret

    def version(self, name: str, version: str | None) -> tuple[Secret, Version]:
        """Return a version, the newest if None or empty."""
        secret = self.active(name)
        if not version:
            return secret, secret.latest
        for found in secret.versions:
            if found.id == version.lower():
                return secret, found
        raise ServiceError(404, "SecretNotFound", f"A secret with (name/id) {name}/{version} {_HELP}")

    def deleted(self, name: str) -> Secret:
        """Return a secret whose deletion is through."""
        secret = self._find(name)
        if secret is None or secret.state != "deleted" or secret.purged or not secret.settled:
            raise ServiceError(404, "SecretNotFound", f"Deleted Secret not found: {name}")
        return secret

    def all(self, state: str) -> list[Secret]:
        """Return the secrets that are `active` or `deleted`, in the order of their names."""
        names = sorted(self._secrets)
        found = [secret for name in names if (secret := self._find(name)) and secret.state == state]
        return [secret for secret in found if secret.settled and not secret.purged]

    def add(self, name: str, version: Version) -> Secret:
        """Add a version, under a name that may be new."""
        secret = self._find(name)
        if secret is None:
            secret = self._secrets[name.lower()] = Secret(name)
        self._refuse_conflict(secret)
        secret.versions.append(version)
        return secret

    def delete(self, name: str) -> Secret:
        """Begin the deletion of a secret with all its versions."""
        secret = self.active(name)
        secret.move("deleted", self._delay)
        return secret

    def recover(self, name: str) -> Secret:
        """Begin to take back a deletion."""
        secret = self._being_deleted(name)
        secret.move("active", self._delay)
        return secret

    def purge(self, name: str) -> None:
        """Forget a deleted secret; its name is free again after a moment."""
        secret = self._being_deleted(name)
        if not self.recovery.purgeable:
            raise ServiceError(403, "Forbidden", _NO_PURGE)
        secret.purged = True
        secret.move("deleted", self._delay)

    def backup(self, name: str) -> str:
        """Return what brings a secret back, with all its versions."""
        handle = secrets.token_urlsafe(48)
        self._backups[handle] = copy.deepcopy(self.active(name))
        return handle

    def restore(self, handle: str, base: str) -> Secret:
        """Put a backup back."""
        if handle not in self._backups:
            raise ServiceError(400, "BadParameter", "The backup blob is invalid or was made by another vault.")
        secret = copy.deepcopy(self._backups[handle])
        there = self._find(secret.name)
        if there is not None:
            self._refuse_conflict(there)
            where = f"{base}/secrets/{secret.name}/{secret.latest.id}"
            message = f"Conflict while restoring secret {where} - secret already exists or concurrent access"
            raise ServiceError(409, "Conflict", message)
        self._secrets[secret.name.lower()] = secret
        return secret

    def clear(self) -> None:
        """Forget everything, at once."""
        self._secrets.clear()
        self._backups.clear()

    def _find(self, name: str) -> Secret | None:
        secret = self._secrets.get(name.lower())
        if secret is not None and secret.purged and secret.settled:
            del self._secrets[name.lower()]
            return None
        return secret

    def _being_deleted(self, name: str) -> Secret:
        secret = self._find(name)
        if secret is not None and secret.state == "deleted" and not secret.settled:
            self._refuse_conflict(secret)
        return self.deleted(name)

    def _refuse_conflict(self, secret: Secret) -> None:
        if secret.state == "active" and secret.settled:
            return
        name = secret.name
        if secret.state == "active":
            inner, text = "ObjectIsBeingRecovered", "being recovered and cannot be re-created; retry later."
        elif not secret.settled:
            inner, text = "ObjectIsBeingDeleted", "being deleted and cannot be re-created; retry later."
        else:
            inner = "ObjectIsDeletedButRecoverable"
            text = (
                "in a deleted but recoverable state, and its name cannot be reused; "
                "in this state, the secret can only be recovered or purged."
            )
        raise ServiceError(409, "Conflict", f"Secret {name} is currently {text}", inner)
