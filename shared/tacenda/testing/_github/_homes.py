"""Sets of secrets as GitHub keeps them: each with a key pair, names in upper case, sealed values, limits."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime, timezone
from typing import Any

from tacenda._errors import MissingDependency

__all__ = ["Home", "Refused"]

MAX_BYTES = 48 * 1024
_NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*")
_NAME_RULE = (
    "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not "
    "allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
)
_VISIBILITIES = ("all", "private", "selected")


class Refused(Exception):
    """What the API answers instead: a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Home:
    """The secrets of a repository, an environment or an organisation.

    Args:
        limit: how many there may be.
        organization: whether each needs a visibility.
    """

    def __init__(self, limit: int, *, organization: bool = False) -> None:
        self._limit, self._organization = limit, organization
        self._items: dict[str, dict[str, Any]] = {}
        self._values: dict[str, str] = {}
        self.rotate_key()

    def rotate_key(self) -> None:
        """Make a new key pair; what was sealed before is not accepted any more."""
        try:
            from nacl.public import PrivateKey
        except ImportError:
            raise MissingDependency(
                "the GitHub test server needs the package pynacl, which is not installed",
                name="nacl",
                hint="pip install 'tacenda[github]'",
            ) from None
        self._key = PrivateKey.generate()
        self.key_id = str(secrets.randbits(63))

    def public_key(self) -> dict[str, Any]:
        """Return what clients seal with."""
        return {"key_id": self.key_id, "key": base64.b64encode(bytes(self._key.public_key)).decode()}

    def value(self, name: str) -> str:
        """Return the value that a secret was sent, opened."""
        return self._values[name.upper()]

    def names(self) -> list[str]:
        """Return the names in order."""
        return sorted(self._items)

    def item(self, name: str) -> dict[str, Any]:
        """Return what the API shows of a secret."""
        if name.upper() not in self._items:
            raise Refused(404, "Not Found")
        return self._items[name.upper()]

    def put(self, name: str, body: dict[str, Any]) -> bool:
        """Keep a secret; return whether it is new."""
        name, now = name.upper(), datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        if not _NAME.fullmatch(name):
            raise Refused(422, _NAME_RULE)
        value = self._opened(body)
        new = name not in self._items
        if new and len(self._items) >= self._limit:
            raise Refused(422, f"Failed to add secret. Maximum of {self._limit} secrets exceeded.")
        shown = {"name": name, "created_at": now, **self._items.get(name, {}), "updated_at": now}
        if self._organization:
            if body.get("visibility") not in _VISIBILITIES:
                raise Refused(422, "Invalid request.\n\nvisibility must be one of all, private, selected")
            shown["visibility"] = body["visibility"]
        self._items[name], self._values[name] = shown, value
        return new

    def delete(self, name: str) -> None:
        """Forget a secret."""
        self.item(name)
        del self._items[name.upper()], self._values[name.upper()]

    def clear(self) -> None:
        """Forget every secret."""
        self._items.clear()
        self._values.clear()

    def _opened(self, body: dict[str, Any]) -> str:
        from nacl.exceptions import CryptoError
        from nacl.public import SealedBox

        if str(body.get("key_id")) != self.key_id:
            raise Refused(422, "Bad request - key_id is incorrect")
        try:
            opened = SealedBox(self._key).decrypt(base64.b64decode(str(body.get("encrypted_value")), validate=True))
            text = opened.decode()
        except (CryptoError, ValueError):  # no base64, not sealed for us, no UTF-8
            text = None
        if text is None:
            raise Refused(422, "Bad request - encrypted_value is invalid")
        if len(opened) > MAX_BYTES:
            raise Refused(422, "Secret value is too large. Secrets are limited to 48 KB.")
        return text
