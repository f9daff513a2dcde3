"""What a source is called, where it was declared by type, by ARN, by URL or by reference."""

from __future__ import annotations

import re

from metaflow_extensions.tacenda.plugins.backend._backend_types import is_registered

__all__ = ["short_names", "split_version"]

_VERSIONED = {"az-key-vault": r"([\w-]+)/(\w+)", "gcp-secret-manager": r"([\w-]+)/versions/([\w-]+)"}


def short_names(source: str) -> list[str]:
    """Return the names that a person would call a source by, the best one first.

    Of an ARN: the secret's name without the six characters that AWS adds, and its last part. AWS cannot tell either
    whether an ARN ends in those or in a name like `my-secret`, so that the name with them counts, too. Of an Azure
    URL, a GCP resource name or a reference: the last part, without the version; of one with a key, the key. Of
    `type.id`: those of the id, without the version.

    Example:
        >>> short_names("arn:aws:secretsmanager:us-east-1:123456789:secret:ml/keys-abc123")
        ['ml/keys', 'keys', 'ml/keys-abc123', 'keys-abc123']
        >>> short_names("https://myvault.vault.azure.net/secrets/api-keys/abc123"), short_names("vault://kv/db#USER")
        (['api-keys'], ['USER'])
        >>> short_names("aws-secrets-manager.api-keys")
        ['api-keys']
    """
    from tacenda._reference import parse_reference
    from tacenda.errors import InvalidReference

    name = _without_type(source)
    try:
        reference = parse_reference(name)
    except InvalidReference:  # an id of a provider that is not ours may look like anything
        reference = None
    if reference is None:
        key = name.partition("#")[2]
        return [key] if key else _with_last_part(name)
    if reference.key:
        return [reference.key]
    *_, last = parts = reference.segments()
    if not parts[0].startswith("arn:"):
        return [last]
    whole = "/".join(parts).rpartition(":")[2]
    bare = re.sub(r"(?<=.)-[A-Za-z0-9]{6}$", "", whole)
    return list(dict.fromkeys([*_with_last_part(bare), *_with_last_part(whole)]))


def split_version(kind: str, name: str) -> tuple[str, str | None]:
    """Return a name and its version, as Metaflow's providers write it: `NAME/VERSION` of Azure's, `NAME/versions/…`.

    Example:
        >>> split_version("gcp-secret-manager", "api-keys/versions/2"), split_version("vault", "ml/keys")
        (('api-keys', '2'), ('ml/keys', None))
    """
    match = re.fullmatch(_VERSIONED[kind], name) if kind in _VERSIONED else None
    return (match[1], match[2]) if match else (name, None)


def _without_type(source: str) -> str:
    kind, dot, name = source.partition(".")
    return split_version(kind, name)[0] if dot and is_registered(kind) else source


def _with_last_part(name: str) -> list[str]:
    return list(dict.fromkeys([name, name.rpartition("/")[2] or name]))
