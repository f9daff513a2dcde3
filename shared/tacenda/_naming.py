"""Every naming convention in one table: how a secret's name is spelled in each orchestrator and backend.

Each convention is reversible, or refuses what it cannot hold, or folds several names into one: then
`collisions` finds the names that would meet. Sources: `facts` of the orchestrators' own code, named per entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from tacenda._errors import Conflict, InvalidReference

__all__ = [
    "CONVENTIONS",
    "INJECTED",
    "INJECTED_PLAIN",
    "Convention",
    "collisions",
    "env_name",
    "refuse_collisions",
    "refuse_shared",
    "spell",
]

INJECTED = "TACENDA_INJECTED"
"""The environment variable that lists the names (never values) of variables tacenda set, separated by commas."""

INJECTED_PLAIN = "TACENDA_INJECTED_PLAIN"
"""The one that lists those of them whose value is no secret, such as a host's name; it is set where there are any."""

_ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class Convention(NamedTuple):
    """How one system spells names.

    Attributes:
        spell: from the parts of a name (group or secret, then key) to its spelling.
        legal: the pattern of a whole spelling there; as text, for most processes need one or two of them compiled.
        rule: the rule in words, for messages.
    """

    spell: Callable[[tuple[str, ...]], str]
    legal: str
    rule: str

    def allows(self, spelled: str) -> bool:
        """Return whether a whole spelling is legal there."""
        return re.fullmatch(self.legal, spelled) is not None


def _upper_snake(parts: tuple[str, ...]) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", "_".join(parts).upper())


def _metaflow(parts: tuple[str, ...]) -> str:
    # Metaflow's own providers: _sanitize_key_as_env_var replaces each illegal character and keeps the case.
    return re.sub(r"[^A-Za-z0-9_]", "_", parts[-1])


def _slashed(parts: tuple[str, ...]) -> str:
    return "/".join(parts)


_VARIABLE = r"(?=_*[A-Z0-9])[A-Z_][A-Z0-9_]*"  # `__` is what names without such letters would become
_ANY_VARIABLE = r"[A-Za-z_][A-Za-z0-9_.-]*"
_PATH = r"(?!/)(?!.*(?:^|/)\.\.?(?:/|$))[^\x00]+"

CONVENTIONS: Mapping[str, Convention] = {
    "env": Convention(_upper_snake, _VARIABLE, "upper case letters, digits and _, not starting with a digit"),
    # flytekit 1.16 SecretsManager.get_secrets_env_var: upper case only, hyphens and dots stay.
    "flytekit": Convention(
        lambda parts: "_FSEC_" + "_".join(parts).upper(), _ANY_VARIABLE, "a variable name; '-' and '.' stay"
    ),
    "flytekit_documented": Convention(
        lambda parts: "FLYTE_SECRETS_" + _upper_snake(parts), _VARIABLE, "the documented prefix, in upper case"
    ),
    # flytekit: DIR/lower(group)/lower(key)
    "flytekit_file": Convention(lambda parts: "/".join(parts).lower(), _PATH, "a relative path without '..'"),
    # flyte 2 Secret.as_env_var: GROUP_KEY, hyphens as underscores; ^[A-Z_][A-Z0-9_]*$
    "flyte": Convention(
        lambda parts: "_".join(parts).replace("-", "_").upper(), _VARIABLE, "letters, digits, - and _; see as_env_var"
    ),
    # flyte 2, Embedded injector: the group plays no part.
    "flyte_injected": Convention(
        lambda parts: "_UNION_" + parts[-1].replace("-", "_").upper(), _VARIABLE, "letters, digits, - and _"
    ),
    "flyte_file": Convention(lambda parts: parts[-1], _PATH, "a relative path without '..'"),
    "metaflow": Convention(_metaflow, _ENV_NAME, "a variable name that does not start with a digit"),
    # ZenML 0.35's secrets managers on AWS and Vault.
    "zenml": Convention(_slashed, r"[A-Za-z0-9_+=.@/-]+", "letters, digits and /_+=.@-"),
    # Backends: what a document may be called.
    "vault": Convention(
        _slashed,
        r"(?!/)(?!.*(?:^|/)(?:\.\.?)?(?:/|$))[^\x00-\x1f\x7f-\x9f\u2028\u2029]+",
        "no part empty, '.' or '..', no control character",
    ),
    "aws": Convention(_slashed, r"[A-Za-z0-9/_+=.@-]{1,512}", "letters, digits and /_+=.@-, 512 at most"),
    # Azure has no `_`: people create my_secret as my-secret with `az`; the provider keeps the original in a tag.
    "azure": Convention(
        lambda parts: "-".join(parts).replace("_", "-"),
        r"[0-9A-Za-z-]{1,127}",
        "letters, digits and -, 127 at most",
    ),
    "gcp": Convention(_slashed, r"[A-Za-z0-9_-]{1,255}", "letters, digits, - and _, 255 at most"),
    "github": Convention(
        _upper_snake, r"(?!GITHUB_)[A-Z_][A-Z0-9_]*", "a variable name that does not start with GITHUB_"
    ),
}


def spell(convention: str, name: str, key: str | None = None) -> str:
    """Return how a convention spells a name, or a name and key.

    Raises:
        InvalidReference: if the result is illegal there, with the rule in words.

    Example:
        >>> spell("env", "my-api-key"), spell("flytekit", "my-group", "key"), spell("azure", "DB_PASSWORD")
        ('MY_API_KEY', '_FSEC_MY-GROUP_KEY', 'DB-PASSWORD')
    """
    rules = CONVENTIONS[convention]
    spelled = rules.spell((name,) if key is None else (name, key))
    if not rules.allows(spelled):
        what = repr(name) if key is None else f"{name!r} with key {key!r}"
        raise InvalidReference(f"{what} has no legal spelling in {convention}: {rules.rule}", name=name)
    return spelled


def env_name(name: str, key: str | None = None) -> str:
    """Return the generic environment variable of a secret, or of a key in it.

    Example:
        >>> env_name("api-keys", "API_KEY")
        'API_KEYS_API_KEY'

    Raises:
        InvalidReference: if the name starts with a digit or is empty.
    """
    return spell("env", name, key)


def collisions(convention: str, names: Iterable[str]) -> dict[str, list[str]]:
    """Return each spelling that two or more different names share, with those names.

    Example:
        >>> collisions("env", ["my-key", "my_key", "other"])
        {'MY_KEY': ['my-key', 'my_key']}
    """
    spellings: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        spellings.setdefault(spell(convention, name), []).append(name)
    return {spelled: same for spelled, same in spellings.items() if len(same) > 1}


def refuse_collisions(convention: str, names: Iterable[str]) -> None:
    """Raise `Conflict` that lists all names which a convention cannot tell apart."""
    refuse_shared(collisions(convention, names), convention)


def refuse_shared(names_of: Mapping[str, Sequence[str]], who: str) -> None:
    """Raise `Conflict` if something belongs to several names.

    Args:
        names_of: the names of each spelling or place.
        who: who cannot tell those names apart, for the message.
    """
    met = [f"{' and '.join(map(repr, names))} are both {what}" for what, names in names_of.items() if len(names) > 1]
    if met:
        raise Conflict(f"names that {who} cannot tell apart: {'; '.join(met)}", hint="use one name for one secret")
