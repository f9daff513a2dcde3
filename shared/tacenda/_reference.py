"""References: where a secret lives, written as `backend://path[?version=V][#KEY]` or in the clouds' own forms.

The form is that of vals and its kin (`ref+backend://…` is accepted), plus AWS ARNs, Azure secret URLs and
GCP resource names. In a path, `%2F` is a slash that does not separate, `%23` a `#`, `%3F` a `?`.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from tacenda._errors import InvalidReference

__all__ = ["SCHEMES", "Reference", "looks_like_credential", "looks_like_value", "parse_reference"]

SCHEMES = ("env", "local", "files", "vault", "aws", "azure", "gcp", "github")

# Patterns as text: `re` compiles each when it is first used and keeps it, and most processes need one or two.
_URI = r"(?:ref\+)?(?P<scheme>[A-Za-z][A-Za-z0-9+._-]*)://(?P<rest>.*)"
_ARN = r"arn:(?P<partition>aws[a-z-]*):secretsmanager:(?P<region>[a-z0-9-]+):\d+:secret:(?P<name>[A-Za-z0-9/_+=.@-]+)"
_AZURE = r"https://(?P<host>[^/]+)/secrets/(?P<name>[0-9A-Za-z-]{1,127})(?:/(?P<version>[0-9A-Za-z]+))?/?"
_GCP = (
    r"projects/(?P<project>[^/]+)(?:/locations/(?P<location>[^/]+))?/secrets/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+))?"
)

# Shapes that only values have: credentials in a URL, keys, and the tokens of well-known issuers.
_CREDENTIAL = (
    r"\w+://[^/@\s]*:[^/@\s]+@|-----BEGIN|^AGE-SECRET-KEY-|^eyJ[\w-]+\.|^hv[sb]\.\w{20}|^gh[pousr]_\w{20}"
    r"|^github_pat_|^xox[abprs]-|^A[KS]IA[0-9A-Z]{16}|^sk-(?=[\w-]*\d)[\w-]{20}|^AIza[\w-]{30}"
)
# How those tokens begin: nearly every name is told from them without a pattern.
_ISSUERS = ("AGE-SECRET-KEY-", "eyJ", "hvs.", "hvb.", "gh", "github_pat_", "xox", "AKIA", "ASIA", "sk-", "AIza")


class Reference(NamedTuple):
    """Where a secret lives.

    Attributes:
        backend: the backend's short name, one of `SCHEMES` or a plug-in's.
        path: the path within the backend, with escapes still in it (`unescape` removes them per segment).
        version: the version asked for; None means the latest.
        key: the key within the secret; None means the whole secret.
    """

    backend: str
    path: str
    version: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        version = f"?version={quote(self.version, safe='')}" if self.version else ""
        key = f"#{quote(self.key, safe='')}" if self.key is not None else ""
        return f"{self.backend}://{self.path}{version}{key}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The steps into the secret: the key, if there is one."""
        return () if self.key is None else (self.key,)

    def segments(self) -> list[str]:
        """Return the path's parts with their escapes removed: `a%2Fb/c` is `["a/b", "c"]`."""
        return [unquote(part) for part in self.path.split("/")]


def parse_reference(text: str) -> Reference | None:
    """Return the reference that a text spells, or None when it is a plain name.

    Args:
        text: a name or reference, as a user wrote it.

    Raises:
        InvalidReference: if it looks like a reference but is not a legal one.

    Example:
        >>> parse_reference("vault://secret/ml/training?version=3#DB_PASSWORD")
        Reference(backend='vault', path='secret/ml/training', version='3', key='DB_PASSWORD')
        >>> parse_reference("projects/p/secrets/api-keys/versions/2")
        Reference(backend='gcp', path='p/api-keys', version='2', key=None)
        >>> parse_reference("api-keys") is None
        True
    """
    if looks_like_value(text):
        raise InvalidReference(
            "what was given looks like a value, not like the name of a secret (it is not repeated here)",
            hint="store the value with `tacenda set NAME`, then refer to it by that name",
        )
    body, _, fragment = text.partition("#")
    key = _key(text, fragment) if "#" in text else None
    if body.startswith("arn:"):
        return _from_arn(body, key)
    if body.startswith("projects/") and (match := re.fullmatch(_GCP, body)):
        place = f"locations/{match['location']}/{match['name']}" if match["location"] else match["name"]
        return Reference("gcp", f"{match['project']}/{place}", match["version"], key)
    if body.startswith("https://"):
        return _from_azure_url(body, key)
    if "://" in body and (match := re.fullmatch(_URI, body, re.DOTALL)):
        return _from_uri(text, match["scheme"], match["rest"], key)
    return None


def looks_like_value(text: str) -> bool:
    """Return whether a text has a shape that only values have, so that it must not be repeated in a message.

    Example:
        >>> looks_like_value("postgres://user:example@host/db"), looks_like_value("ml/api-keys")
        (True, False)
    """
    return looks_like_credential(text) or text[:1] in ("{", "[") or "\n" in text or "\r" in text


def looks_like_credential(text: str) -> bool:
    """Return whether a text is, by its shape, a token, a key or a URL with a password in it."""
    suspect = text.startswith(_ISSUERS) or "-----BEGIN" in text or ("@" in text and "://" in text)
    return suspect and re.search(_CREDENTIAL, text) is not None


def _from_arn(text: str, key: str | None) -> Reference:
    arn, mark, query = text.partition("?")
    match = re.fullmatch(_ARN, arn)
    if match is None:
        raise InvalidReference(
            f"{arn!r} is not the ARN of a secret",
            name=arn,
            hint="the form is arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX[?version=V]",
        )
    return Reference("aws", quote(arn, safe=":/"), _version(text, query) if mark else None, key)


def _from_azure_url(url: str, key: str | None) -> Reference:
    match = re.fullmatch(_AZURE, url)
    if match is None:
        raise InvalidReference(
            "an https:// reference must be an Azure secret URL (it is not repeated here: a webhook's URL is a secret)",
            hint="the form is https://VAULT.vault.azure.net/secrets/NAME[/VERSION]",
        )
    return Reference("azure", f"{match['host']}/{match['name']}", match["version"], key)


def _from_uri(text: str, scheme: str, rest: str, key: str | None) -> Reference:
    path, _, query = rest.partition("?")
    version = _version(text, query) if "?" in rest else None
    if not path.strip("/"):
        raise InvalidReference(
            f"{scheme}:// names no secret", name=text, hint=f"write {scheme}://PATH[?version=V][#KEY]"
        )
    # local:///etc/app/secrets.json is an absolute path; elsewhere a leading slash means nothing.
    path = path.rstrip("/") if scheme.lower() == "local" else path.strip("/")
    return Reference(scheme.lower(), path, version, key)


def _version(text: str, query: str) -> str:
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(parameters) - {"version"})
    if unknown or not parameters.get("version"):
        what = f"unknown parameter {unknown[0]!r}" if unknown else "an empty version"
        raise InvalidReference(f"{text!r} has {what}", name=text, hint="the only parameter is ?version=V")
    return parameters["version"]


def _key(text: str, fragment: str) -> str:
    if not fragment:
        raise InvalidReference(
            f"{text!r} ends in '#' without a key", name=text, hint="name the key after '#', or drop it"
        )
    return unquote(fragment)
