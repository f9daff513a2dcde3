"""How text and bytes are kept where a backend has only fields: the field `value`, and `encoding` for base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

__all__ = ["decode_fields", "decode_leaf", "encode_fields", "encode_leaf"]

_BINARY = {"value", "encoding"}


def encode_fields(value: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    r"""Return the fields under which a backend of fields (Vault) keeps a value.

    Example:
        >>> encode_fields("example"), encode_fields(b"\x00")
        ({'value': 'example'}, {'value': 'AA==', 'encoding': 'base64'})
    """
    encoded = encode_leaf(value)
    return {"value": encoded} if isinstance(encoded, str) else dict(encoded)


def decode_fields(fields: Mapping[str, Any]) -> str | bytes | dict[str, Any]:
    """Return what fields mean: the inverse of `encode_fields`; a lone `value` field reads as text."""
    if set(fields) == {"value"} and isinstance(fields["value"], str):
        return str(fields["value"])
    decoded: bytes | dict[str, Any] = decode_leaf(dict(fields))
    return decoded


def encode_leaf(value: Any) -> Any:
    """Return a value as JSON can hold it: bytes become base64 with an `encoding` field."""
    if isinstance(value, bytes):
        return {"value": base64.b64encode(value).decode("ascii"), "encoding": "base64"}
    return value


def decode_leaf(value: Any) -> Any:
    """Return bytes for what `encode_leaf` made of bytes, and any other value as it is."""
    if isinstance(value, dict) and set(value) == _BINARY and value["encoding"] == "base64":
        try:
            return base64.b64decode(value["value"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            return value
    return value
