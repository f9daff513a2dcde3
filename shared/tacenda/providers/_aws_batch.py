"""Which value of a batch answers which name or ARN that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from typing import Any

__all__ = ["matched"]

Entry = Mapping[str, Any]


def matched(ids: Container[str], answer: Mapping[str, Any]) -> dict[str, Entry]:
    """Return each name or ARN with its entry of the answer, as far as the answer leaves no doubt.

    A secret of another account may have the same name: an entry that came for an ARN says nothing about a name.

    Args:
        ids: the names and ARNs that were asked for; an ARN with or without the six characters that AWS adds to it.
        answer: what BatchGetSecretValue answered.

    Example:
        >>> arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"
        >>> sorted(matched(["db", arn], {"SecretValues": [{"Name": "db", "ARN": f"{arn}-a1B2c3"}]})) == [arn]
        True
    """
    entries: list[Entry] = list(answer.get("SecretValues") or ())
    times = Counter(entry.get("ARN") for entry in entries)
    found: dict[str, Entry] = {}
    named: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        name, full = str(entry.get("Name")), str(entry.get("ARN"))
        short = f"{full.rpartition(':')[0]}:{name}"
        if full in ids:
            found[full] = entry
        if short in ids:
            found.setdefault(short, entry)
        if name in ids and times[full] > (full in ids) + (short in ids):
            named.setdefault(name, {})[full] = entry
    found.update((name, entry) for name, of_name in named.items() if len(of_name) == 1 for entry in of_name.values())
    return found
