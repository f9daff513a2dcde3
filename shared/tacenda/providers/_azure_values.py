"""Values in Key Vault, which keeps text: bytes as base64, several keys as JSON, each told by the content type."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, NamedTuple

from tacenda._values import Secret

if TYPE_CHECKING:
    from tacenda.providers._base import Value

__all__ = ["MAX_BYTES", "MAX_TAGS", "Encoded", "decoded", "encoded"]

MAX_BYTES = 25_600
"""The largest value in the bytes of its UTF-8: 25 KB (Azure's page "About Azure Key Vault secrets")."""
MAX_TAGS = 15
"""The most tags that a secret may have (same page)."""

_BINARY = "application/octet-stream;base64"
_JSON = "application/json"


class Encoded(NamedTuple):
    """A value as Key Vault keeps it."""

    text: Secret
    content_type: str | None

    @property
    def oversize(self) -> bool:
        """Whether the service would refuse it for its size."""
        return len(self.text.encode()) > MAX_BYTES


def encoded(value: Value) -> Encoded:
    """Return a value as text with its content type.

    Example:
        >>> str(encoded(b"example").text), encoded(b"example").content_type
        ('ZXhhbXBsZQ==', 'application/octet-stream;base64')
    """
    if isinstance(value, bytes):
        return Encoded(Secret(base64.b64encode(value).decode("ascii")), _BINARY)
    if isinstance(value, str):
        return Encoded(Secret(value), None)
    return Encoded(Secret(json.dumps(value, ensure_ascii=False)), _JSON)


def decoded(text: str, content_type: str | None) -> str | bytes:
    """Return what a text of the vault means: the inverse of `encoded`, but for JSON, which the store reads."""
    if content_type == _BINARY:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
    return text
