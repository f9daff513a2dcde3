"""The environment variables of a secret in its natural type: as Metaflow's own providers spell them, and tacenda."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from metaflow.exception import MetaflowException

__all__ = ["as_metaflow", "as_tacenda"]


def as_metaflow(kind: str, name: str, value: Any) -> dict[str, str]:
    """Return the variables that Metaflow's provider of a type makes of a secret, byte for byte.

    AWS: the keys of a JSON object, each value as `str()` spells it. Azure and GCP: one variable with the exact text. A
    text that is no JSON object, which Metaflow refuses from AWS, is one variable too.

    Args:
        kind: Metaflow's type.
        name: the secret's name.
        value: in its natural type.

    Raises:
        MetaflowException: if two keys mean one variable.
    """
    from tacenda._values import exact_text, reveal

    if kind == "aws-secrets-manager" and isinstance(value, Mapping):
        # Of the stored text: what it spells is what upstream's str() sees, also in what tacenda decodes.
        return _sanitized({key: str(item) for key, item in json.loads(reveal(exact_text(value))).items()}, name)
    return _sanitized({name: _base64(value) if isinstance(value, bytes) else str(exact_text(value))}, name)


def as_tacenda(source: str, name: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield what a secret's variables are by tacenda's rule: its keys, or its name; nested values as JSON text.

    That is as with `tacenda run`: a Python repr, which Metaflow's AWS provider makes of what is no text, could be read
    back by Python only. Binary is base64, as from Metaflow's own providers.

    Args:
        source: the secret, for messages.
        name: what a value without keys is called.
        value: in its natural type.

    Yields:
        What a message calls each value, its variable, which may be illegal or not the only one, and the value.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{source}#{key}", _variable(key), _as_text(item)
    else:
        yield source, _variable(name), _as_text(value)


def _sanitized(content: Mapping[str, str], name: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for key, text in content.items():
        variable = key.replace("-", "_").replace(".", "_").replace("/", "_")
        if variable in variables:
            raise MetaflowException(
                f"Duplicate key in secret {name!r}: {key!r} means the variable {variable!r} too\n"
                "  next: rename one of the two keys"
            )
        variables[variable] = text
    return variables


def _variable(name: str) -> str:
    # As Metaflow's own providers, which replace each illegal character. A first digit becomes legal by a prefix.
    from tacenda._naming import CONVENTIONS

    return CONVENTIONS["metaflow"].spell((name,))


def _as_text(value: Any) -> Any:
    from tacenda import reveal

    if isinstance(value, bytes):
        return _base64(value)
    if isinstance(value, (Mapping, list)):
        return json.dumps(reveal(value), ensure_ascii=False, default=_base64)
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
