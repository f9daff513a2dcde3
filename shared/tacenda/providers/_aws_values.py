"""What Secrets Manager can hold: one text or one binary of up to 65,536 bytes; and how versions and times are written.

Limits: "AWS Secrets Manager quotas" of its User Guide; `SecretString` and `SecretBinary` have a minimum length of 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda._values import Secret, SecretBytes, SecretInfo
from tacenda.providers._base import Document

if TYPE_CHECKING:
    from tacenda.providers._base import Value

__all__ = ["CURRENT", "MAX_BYTES", "document", "encoded", "information", "listed", "size", "versioned"]

MAX_BYTES = 65_536
_ID_LENGTH = range(32, 65)
CURRENT = "AWSCURRENT"
"""The staging label of the version that is read."""


def encoded(value: Value) -> dict[str, Secret | SecretBytes]:
    """Return the parameters that hold a value; several keys become compact JSON.

    Example:
        >>> encoded({"PORT": 5432})["SecretString"] == '{"PORT":5432}'
        True
    """
    if isinstance(value, bytes):
        return {"SecretBinary": SecretBytes(value)}
    if isinstance(value, Mapping):
        return {"SecretString": Secret(json.dumps(value, ensure_ascii=False, separators=(",", ":")))}
    return {"SecretString": Secret(value)}


def size(fields: Mapping[str, str | bytes]) -> int:
    """Return how many bytes an encoded value has in the store.

    Example:
        >>> size(encoded("密码"))
        6
    """
    return sum(len(field.encode()) if isinstance(field, str) else len(field) for field in fields.values())


def document(answer: Mapping[str, Any]) -> Document | None:
    """Return what GetSecretValue, or one of a batch, answered; None if that is no value."""
    value = answer.get("SecretString", answer.get("SecretBinary"))
    return Document(value, answer.get("VersionId")) if isinstance(value, (str, bytes)) else None


def versioned(version: str | None) -> dict[str, str]:
    """Return the parameters for a version: an id has 32 to 64 characters, everything else is a staging label.

    The label that a read without either has is named as well: moto forgets it when that label is moved.

    Example:
        >>> versioned("AWSPREVIOUS"), versioned("8a7b1c2d-0000-4000-8000-000000000001")
        ({'VersionStage': 'AWSPREVIOUS'}, {'VersionId': '8a7b1c2d-0000-4000-8000-000000000001'})
    """
    if version is not None and len(version) in _ID_LENGTH:
        return {"VersionId": version}
    return {"VersionStage": version or CURRENT}


def information(name: str, told: Mapping[str, Any], version: str | None = None) -> SecretInfo | None:
    """Return what DescribeSecret or ListSecrets tells about a secret's version; None if it has no such version.

    Args:
        name: the name to show.
        told: the answer, or an entry of it.
        version: a version's id or staging label; AWSCURRENT if None.
    """
    stages: Mapping[str, Any] = told.get("VersionIdsToStages") or told.get("SecretVersionsToStages") or {}
    wanted = version or CURRENT
    found = next((number for number, labels in stages.items() if wanted == number or wanted in labels), None)
    if found is None and version is not None:
        return None
    created, updated = _time(told.get("CreatedDate")), _time(told.get("LastChangedDate"))
    tags = {tag["Key"]: tag["Value"] for tag in told.get("Tags") or ()}
    return SecretInfo(name, "aws", found, created, updated or created, tags)


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as AWS takes them: a list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _time(when: Any) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    from datetime import timezone

    return when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") if when is not None else None
