"""The forms in which a value shows up in output: one table, with a reason for each.

First come the parts of a value that are secret by themselves, then each of them as programs write it. Forms that do
not come about by accident are left out: compression, encryption, hashes, reversal, other letter case, hex in groups,
base64 of base64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._forms import _encodings as encode
from tacenda.masking._forms import _escapes as escape
from tacenda.masking._forms import _parts as take
from tacenda.masking._forms._fragments import fragments
from tacenda.masking._policy import MIN_LENGTH, why_not_masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ENCODINGS", "ESCAPES", "PARTS", "Form", "variants"]

LONGEST = 1 << 16
"""Longer values, which no backend stores, are masked only as they are and line by line. Bytes."""


class Form(NamedTuple):
    """One way in which a value shows up.

    Attributes:
        name: what it is called.
        reason: who writes values in this way.
        make: returns what is written, which may be the value itself.
    """

    name: str
    reason: str
    make: Callable[[bytes], Iterable[bytes]]


PARTS = (
    Form("trimmed", "files end with a newline that programs strip before use", take.trimmed),
    Form("JSON leaves", "a document is parsed and one of its keys used", take.json_leaves),
    Form("URL password", "libraries take a URL apart and name its parts in errors", take.url_passwords),
    Form("plain of base64", "Kubernetes and CI systems store base64, and programs decode it", take.plain_of_base64),
)
"""Parts that are secret by themselves, and may be written in all the ways of the value."""

AS_THEY_ARE = (
    Form("line endings", "terminals and editors write CRLF for LF, and back", take.line_endings),
    Form("lines", "loggers, prefixes and indentation take a text apart line by line", take.lines),
)
"""Forms that are not encoded further: whoever encodes a text encodes all of it, not each of its many lines."""

ENCODINGS = (
    Form("base64", "HTTP headers, Kubernetes, JSON with binary; also within `user:password`", encode.as_base64),
    Form("wrapped base64", "MIME, `base64`, PEM and YAML fold lines", encode.as_wrapped_base64),
    Form("hex", "logged digests, database drivers, debuggers", encode.as_hex),
    Form("UTF-16 and UTF-32", "numpy arrays of text in a pickle, Windows, the JVM", encode.as_utf16_and_utf32),
    Form("fragments", "Rich and pandas cut long values, terminals fold them, grep colors them", fragments),
)
"""How any value may be written."""

ESCAPES = (
    Form("percent", "URLs in the errors of HTTP clients and database drivers", escape.as_percent),
    Form("JSON", "structured logs, API payloads, metadata", escape.as_json),
    Form("Python text", "repr of a string: dicts in logs, tracebacks, KeyError", escape.as_python_text),
    Form("Python bytes", "repr of bytes, protobuf, C and Go", escape.as_python_bytes),
    Form("shell", "echoed commands: `set -x`, subprocess errors, compose files", escape.as_shell),
    Form("quoted", "YAML, SQL and CSV double a quote", escape.as_doubled_quotes),
    Form("HTML and XML", "cards, reports and web pages", escape.as_html),
    Form("other charsets", "a terminal or file that is not UTF-8", encode.as_other_charsets),
)
"""How a value may be written if it has other characters than letters, digits and `-_.~`."""


def variants(value: bytes, min_length: int) -> set[bytes]:
    """Return all forms of a value, itself included.

    Args:
        value: what was registered; text in UTF-8.
        min_length: shorter forms are left out. Bytes.

    Example:
        >>> sorted(variants(b"a&b c&d", 6) & {b"a%26b+c%26d", b"a&amp;b c&amp;d", b"61266220632664"})
        [b'61266220632664', b'a%26b+c%26d', b'a&amp;b c&amp;d']
    """
    forms = {value, *_made(AS_THEY_ARE, value, min_length)}
    if len(value) <= LONGEST:
        for part in _parts(value, min_length):
            forms.add(part)
            makers = ENCODINGS + ESCAPES if part.translate(None, escape.UNRESERVED) else ENCODINGS
            written = {text for form in makers for text in form.make(part)}
            # Even with a lower `min_length`, `YQ` is not masked as the base64 of `a` (actions/runner#326).
            forms.update(text for text in written if len(text) >= MIN_LENGTH)
    return {form for form in forms if len(form) >= min_length}


def _parts(value: bytes, min_length: int) -> set[bytes]:
    """Return the parts of a value, and theirs: a URL in a JSON document, a JSON document in base64."""
    parts: set[bytes] = set()
    waiting = [value]
    while waiting:
        made = _made(PARTS, waiting.pop(), min_length)
        waiting += made - parts - {value}
        parts |= made
    return parts


def _made(forms: tuple[Form, ...], value: bytes, min_length: int) -> set[bytes]:
    made = {text for form in forms for text in form.make(value)}
    return {text for text in made if not why_not_masked(text, min_length)}
