"""Parts of a value that are secret by themselves: lines, leaves of a JSON document, the password in a URL."""

from __future__ import annotations

from binascii import Error, a2b_base64, unhexlify
from typing import TYPE_CHECKING, Any

from tacenda.masking._policy import is_secret_key, why_not_masked

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["json_leaves", "line_endings", "lines", "plain_of_base64", "trimmed", "url_passwords"]

LONGEST_URL = 8192
"""Longer values are not taken for URLs: servers accept no longer request line. Bytes."""

SHORTEST_TOKEN = 16
"""From this length on a URL's user without a password is taken for a token; `deploy` is a name. Bytes."""


_SLASHES = bytes.maketrans(b"?#", b"//")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_PRINTABLE = bytes([*range(32, 127), 9, 10, 13])


def trimmed(value: bytes) -> Iterator[bytes]:
    """The value without whitespace around it: files end with a newline, programs strip it (dagger#8047)."""
    yield value.strip()


def line_endings(value: bytes) -> Iterator[bytes]:
    """The value with LF and with CRLF: terminals and editors on Windows write one for the other."""
    if b"\n" in value:
        unix = value.replace(b"\r\n", b"\n")
        yield unix
        yield unix.replace(b"\n", b"\r\n")


def lines(value: bytes) -> Iterator[bytes]:
    """Each line of a multi-line value, because loggers and indentation take it apart (actions/runner#161).

    Left out are the BEGIN and END lines of a PEM, YAML keys without a value and with a short or common one
    (`users:`, `apiVersion: v1`), and JSON documents, whose leaves are parts already.
    """
    if b"\n" not in value or _document(value) is not None:
        return
    for line in value.splitlines():
        core = line.strip().removeprefix(b"- ")
        content = core.rpartition(b": ")[2]
        if not core.startswith(b"-----") and not core.endswith(b":") and not why_not_masked(content):
            yield core


def json_leaves(value: bytes) -> Iterator[bytes]:
    """Each text and number in a JSON object or array, except under keys that hold no secret."""
    document = _document(value)
    if document is not None:
        yield from _leaves(document, None)


def url_passwords(value: bytes) -> Iterator[bytes]:
    """The password of each URL, as written and percent-decoded, or a token in its place (CVE-2025-68675)."""
    if b"://" in value and len(value) <= LONGEST_URL:
        for rest in value.split(b"://")[1:]:
            password = _password(rest.split(maxsplit=1)[0] if rest.strip() else b"")
            yield password
            yield _percent_decoded(password)


def plain_of_base64(value: bytes) -> Iterator[bytes]:
    """The text that a base64 value holds: Kubernetes stores secrets so, and programs decode them."""
    if len(value) % 4 == 0 and not value.translate(None, _BASE64):
        try:
            plain = a2b_base64(value)
        except Error:
            return
        if plain.isascii() and not plain.translate(None, _PRINTABLE):
            yield plain.strip()


def _password(rest: bytes) -> bytes:
    """Return the password in what follows `://`, up to the next space; nothing if there is none."""
    authority = rest.translate(_SLASHES).split(b"/", 1)[0]
    userinfo, at, _ = authority.rpartition(b"@")
    user, colon, password = (userinfo if at else authority).partition(b":")
    if not at:
        if not colon or password.isdigit() or user.startswith(b"["):  # host and port
            return b""
        if b"@" in rest:  # a password with an unescaped `/`, `?` or `#`
            return rest.rpartition(b"@")[0].partition(b":")[2]
        return password if len(password) >= SHORTEST_TOKEN else b""  # no host (airflow#38144)
    if password in (b"", b"x-oauth-basic"):
        return user if len(user) >= SHORTEST_TOKEN else b""
    return password


def _document(value: bytes) -> Any:
    """Return a value as JSON if it is an object or array; None for everything else."""
    if value.lstrip()[:1] not in (b"{", b"["):
        return None
    from json import loads  # only for such values

    try:
        return loads(value)
    except (ValueError, RecursionError):
        return None


def _leaves(node: Any, key: str | None) -> Iterator[bytes]:
    """Yield the secret leaves below a node; `key` is the nearest key above it."""
    if isinstance(node, dict):
        for name, item in node.items():
            yield from _leaves(item, name)
    elif isinstance(node, list):
        for item in node:
            yield from _leaves(item, key)
    elif node is not None and not isinstance(node, bool):
        leaf = str(node).encode("utf-8", "surrogatepass")
        if is_secret_key(key):
            yield leaf
        else:  # `url` is no secret, unless there is a password in it
            yield from url_passwords(leaf)


def _percent_decoded(text: bytes) -> bytes:
    head, *rest = text.split(b"%")
    plain = bytearray(head)
    for piece in rest:
        try:
            plain += unhexlify(piece[:2]) + piece[2:]
        except Error:
            plain += b"%" + piece
    return bytes(plain)
