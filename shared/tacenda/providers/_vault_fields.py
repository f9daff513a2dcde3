"""What Vault's key-value engines can hold: fields as JSON, of a limited size, their numbers doubles on version 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda._values import SecretBytes
from tacenda.providers._encoding import encode_fields

if TYPE_CHECKING:
    from tacenda.providers._base import Value

__all__ = ["MAX_BYTES", "encoded", "oversize", "rounded"]

MAX_BYTES = 1_047_540
"""The largest text. Integrated storage takes entries of 1 MiB; of these KV v2 needs 219 bytes itself, KV v1 some
100 and the length of the path, and the name of the field 12. Measured with OpenBao 2.7, rounded down for v1."""

_FIELD = len('{"value":""}')
_EXACT = 2**53  # up to here a double has every integer


def encoded(value: Value) -> SecretBytes:
    """Return a value's fields as JSON.

    Example:
        >>> bytes(encoded("example"))
        b'{"value":"example"}'
    """
    return SecretBytes(json.dumps(encode_fields(value), ensure_ascii=False, separators=(",", ":")).encode())


def oversize(fields: SecretBytes) -> bool:
    """Return whether encoded fields are too large, with `<`, `>` and `&` as the server's JSON has them: six bytes.

    Example:
        >>> oversize(encoded("<" * 174_590)), oversize(encoded("<" * 174_591))
        (False, True)
    """
    return len(fields) + 5 * sum(fields.count(sign) for sign in (b"<", b">", b"&")) > MAX_BYTES + _FIELD


def rounded(value: Any) -> bool:
    """Return whether KV v2 would change an integer inside a value.

    Example:
        >>> rounded({"id": 2**53}), rounded({"ids": [2**53 + 1]})
        (False, True)
    """
    if isinstance(value, int):
        return abs(value) > _EXACT
    if isinstance(value, Mapping):
        return any(map(rounded, value.values()))
    return isinstance(value, (list, tuple)) and any(map(rounded, value))
