"""Names in Key Vault: letters, digits and `-`, and no difference between upper and lower case.

A name is spelled with `-` for `_`, as people do it with `az`; a tag keeps the original. So `DB_PASSWORD`, `DB-PASSWORD`
and `db_password` are one secret of the vault: whichever of them was written owns it, and the others are refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from tacenda._errors import Conflict, InvalidReference
from tacenda._naming import CONVENTIONS, spell

__all__ = ["NAME_TAG", "azure_name", "is_azure_name", "name_in_list", "owner", "refuse_other"]

NAME_TAG = "tacenda-name"
"""The tag that holds the name as it was written."""


def azure_name(name: str) -> str:
    """Return how Key Vault spells a name.

    Raises:
        InvalidReference: if that is illegal there.

    Example:
        >>> azure_name("DB_PASSWORD")
        'DB-PASSWORD'
    """
    return spell("azure", name)


def is_azure_name(name: str) -> bool:
    """Return whether a name is legal in Key Vault as it stands."""
    return CONVENTIONS["azure"].allows(name)


def owner(found: str, tags: Mapping[str, str] | None) -> str | None:
    """Return the name that a secret was written under, or None if it was not written by tacenda.

    Args:
        found: the secret's name in the vault.
        tags: its tags. A tag that cannot mean this secret was copied from another one, and counts for nothing.
    """
    original = (tags or {}).get(NAME_TAG)
    try:
        return original if original and azure_name(original).lower() == found.lower() else None
    except InvalidReference:
        return None


def refuse_other(wanted: str | None, found: str, tags: Mapping[str, str] | None) -> None:
    """Raise unless a secret of the vault may be meant by a name.

    Args:
        wanted: the name that was asked for; None if the vault's own name was.
        found: the secret's name in the vault.
        tags: its tags.

    Raises:
        Conflict: if it was written under another name, which Key Vault cannot tell from this one.
    """
    original = owner(found, tags)
    if wanted is not None and original not in (None, wanted):
        raise Conflict(
            f"Key Vault cannot tell {wanted!r} from {original!r}: its secret {found!r} was written as {original!r}",
            name=wanted,
            hint=f"use the name {original!r}; azure://{found} means that secret whatever it was written as",
        )


def name_in_list(found: str, tags: Mapping[str, str] | None, prefix: str) -> str | None:
    """Return the full name under which a secret is read in a stack, or None if it does not have the prefix.

    A secret that was not written by tacenda has no original name: its beginning is spelled as the prefix is.

    Example:
        >>> name_in_list("ml-api-key", None, "ml_"), name_in_list("ml-api-key", {"tacenda-name": "ml_api_key"}, "ml_")
        ('ml_api-key', 'ml_api_key')
    """
    original = owner(found, tags)
    if original is not None:
        return original if original.startswith(prefix) else None
    if not found.lower().startswith(prefix.replace("_", "-").lower()):
        return None
    return prefix + found[len(prefix) :]
