"""What Secret Manager keeps: up to 64 KiB of bytes with their CRC32C. Bytes that are UTF-8 read as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._values import SecretBytes
from tacenda.providers._sdk import load_sdk

if TYPE_CHECKING:
    from tacenda.providers._base import Value

__all__ = ["MAX_BYTES", "Payload", "encoded", "payload_of"]

MAX_BYTES = 65_536
"""The size of a version's payload (Secret Manager's documentation, "Quotas and limits")."""


class Payload(NamedTuple):
    """A version's bytes and their checksum; the checksum of a short secret tells much about it, so both are masked.

    Attributes:
        data: the bytes.
        crc32c: their CRC32C, as the server sent it or as it shall check it; None if the server sent none.
    """

    data: SecretBytes
    crc32c: int | None

    def __repr__(self) -> str:
        return "<Payload [masked]>"

    @property
    def intact(self) -> bool:
        """Whether the bytes are those that were checked: nothing between us and the server has changed them."""
        return self.crc32c is None or self.crc32c == _crc32c(self.data)

    def fields(self) -> dict[str, Any]:
        """Return the API's message `SecretPayload`."""
        return {"data": self.data, "data_crc32c": self.crc32c}

    def value(self) -> str | bytes:
        """Return the text that the bytes are, else the bytes."""
        plain = bytes(self.data)
        try:
            return plain.decode()
        except UnicodeDecodeError:
            return plain


def encoded(value: Value) -> Payload:
    """Return what is written for a value: text as UTF-8, bytes as they are, several keys as a JSON object."""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    data = SecretBytes(value.encode() if isinstance(value, str) else value)
    return Payload(data, _crc32c(data))


def payload_of(answer: Any) -> Payload:
    """Return the payload of an `AccessSecretVersionResponse`."""
    found = answer.payload
    return Payload(SecretBytes(found.data), found.data_crc32c if "data_crc32c" in found else None)


def _crc32c(data: bytes) -> int:
    checksum: int = load_sdk("google_crc32c", backend="gcp", extra="gcp").value(bytes(data))
    return checksum
