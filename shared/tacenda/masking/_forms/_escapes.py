"""A value with some of its characters escaped: in URLs, JSON, Python, C, shells, SQL and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda.masking._forms._encodings import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "UNRESERVED",
    "as_doubled_quotes",
    "as_html",
    "as_json",
    "as_percent",
    "as_python_bytes",
    "as_python_text",
    "as_shell",
]

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
"""Characters that no escape here changes (RFC 3986)."""

# `%` comes first: it begins every escape, and those must not be escaped again.
_RESERVED = b"%" + bytes(code for code in range(256) if code not in UNRESERVED + b"%")
_UNPRINTABLE = bytes([*range(32), *range(127, 256)])
_RARE_CONTROLS = bytes(sorted({*range(32), 127} - {9, 10, 13}))
_SHELL_SPECIAL = b"\\ \t!\"$&'()*,;<>?[]^`{|}"

_BACKSLASH = (b"\\", b"\\\\")
_QUOTE = (b'"', b'\\"')
_APOSTROPHE = (b"'", b"\\'")
_CONTROLS = ((b"\n", b"\\n"), (b"\r", b"\\r"), (b"\t", b"\\t"))
_TAGS = tuple((character, b"\\u%04x" % ord(character)) for character in (b"<", b">", b"&"))

# What encoders do not escape beside UNRESERVED: nothing; `/` (paths); encodeURIComponent in JavaScript; Java; userinfo
# and query (RFC 3986).
_SAFE = (b"", b"/", b"!'()*", b"*", b"!$&'()*+,;=:", b"!$&'()*+,;=:@/?")


def _replaced(value: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for old, new in pairs:
        value = value.replace(old, new)
    return value


def _escaped(value: bytes, characters: bytes, escape: bytes) -> bytes:
    return _replaced(value, *((bytes((code,)), escape % code) for code in characters))


def _within(value: bytes, characters: bytes) -> bytes:
    present = set(value)
    return bytes(code for code in characters if code in present)


def as_percent(value: bytes) -> Iterator[bytes]:
    """Percent-encoding with each common set of safe characters, in either case, with `%20` or `+` for a space."""
    special = _within(value, _RESERVED)
    for characters in {special.translate(None, safe) for safe in _SAFE}:
        for escape in (b"%%%02X", b"%%%02x"):
            text = _escaped(value, characters, escape)
            yield text
            if b" " in value:
                yield text.replace(b"%20", b"+")
    yield _escaped(value, special, b"%%25%02X")  # a URL in the query of another


def as_json(value: bytes) -> Iterator[bytes]:
    r"""Between the quotes of a JSON string: in ASCII or not, with `\/` (PHP) or `\u003c` (Go), and JSON within JSON."""
    if value.isascii() and len(value.translate(None, _RARE_CONTROLS)) == len(value):
        text = escaped = _replaced(value, _BACKSLASH, _QUOTE, *_CONTROLS)
    elif (characters := decoded(value)) is not None:
        from json import dumps  # only for such values

        text = dumps(characters, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
        escaped = dumps(characters)[1:-1].encode()
    else:
        return
    yield _replaced(escaped, *_TAGS, (b"'", b"\\u0027"))  # Django's json_script, Flask's tojson
    yield _replaced(text, *_TAGS)
    for shown in {text, escaped}:
        yield shown
        yield shown.replace(b"/", b"\\/")
        yield _replaced(shown, _BACKSLASH, _QUOTE)


def as_python_text(value: bytes) -> Iterator[bytes]:
    """Inside `repr()` and `ascii()` of text, and `repr()` of that; either quote may be the one that is escaped."""
    text = decoded(value)
    if text is None:
        return
    # With both quotes inside, repr escapes the single one.
    for quoted in {repr(text + "'\"")[1:-4], ascii(text + "'\"")[1:-4]}:
        escaped = quoted.encode("utf-8", "surrogatepass")
        shown = escaped.replace(b"\\'", b"'")
        yield shown.replace(*_QUOTE)  # Go
        for once in (escaped, shown):
            yield once
            yield _replaced(once, _BACKSLASH, _APOSTROPHE)
    if not value.isascii():
        yield text.encode("ascii", "backslashreplace")  # standard error on a terminal that cannot show them


def as_python_bytes(value: bytes) -> Iterator[bytes]:
    r"""Inside `repr()` of bytes (`\xff`, also C and Go), and in octal (`\377`)."""
    escaped = repr(value + b"'\"")[2:-4].encode()  # with both quotes inside, the single one is escaped
    yield escaped
    yield _replaced(escaped, (b"\\'", b"'"), _QUOTE)
    octal = _escaped(_replaced(value, _BACKSLASH, *_CONTROLS), _within(value, _UNPRINTABLE), b"\\%03o")
    yield octal.replace(*_APOSTROPHE)  # bash
    yield octal.replace(*_QUOTE)  # git
    yield _replaced(octal, _QUOTE, _APOSTROPHE)  # protobuf


def as_shell(value: bytes) -> Iterator[bytes]:
    r"""Quoted for a shell: `'"'"'` (shlex), `'\''` (bash), in double quotes, bare with backslashes, `$$` (compose)."""
    yield value.replace(b"'", b"'\"'\"'")
    yield value.replace(b"'", b"'\\''")
    double = _replaced(value, _BACKSLASH, _QUOTE, (b"$", b"\\$"), (b"`", b"\\`"))
    yield double
    yield double.replace(b"!", b"\\!")
    yield _escaped(value, _within(value, _SHELL_SPECIAL), b"\\%c")
    yield _replaced(value, _BACKSLASH, _APOSTROPHE, *_CONTROLS)  # $'…'
    yield value.replace(b"$", b"$$")


def as_doubled_quotes(value: bytes) -> Iterator[bytes]:
    """Quotes written twice: YAML, SQL, PowerShell (single), CSV (double)."""
    yield value.replace(b"'", b"''")
    yield value.replace(b'"', b'""')


def as_html(value: bytes) -> Iterator[bytes]:
    """HTML and XML: quotes kept, named or numbered; characters beyond ASCII also as numbers (ElementTree)."""
    text = _replaced(value, (b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"))
    yield text
    for double, single in ((b"&quot;", b"&#x27;"), (b"&quot;", b"&#39;"), (b"&#34;", b"&#39;"), (b"&quot;", b"&apos;")):
        yield (named := text.replace(b'"', double))
        yield named.replace(b"'", single)
    if not value.isascii() and (characters := decoded(text)):
        yield characters.encode("ascii", "xmlcharrefreplace")
