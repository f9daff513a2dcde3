"""The forms in which a value shows up in output: one table, a reason each.

First a value's parts: what is printed on its own and is still secret. Then each of them as programs write it.
Left out on purpose, because somebody has to want them: compression, encryption, hashes, reversal, other letter
case, hex dumps in groups, base64 of base64.
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
"""Longer values are masked as they are and line by line: no backend's secret is longer. Bytes."""


class Form(NamedTuple):
    """One way in which a value shows up.

    Attributes:
        name: what it is called.
        reason: who writes a value in this way.
        make: returns what is written; the value itself where the form does not differ from it.
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
"""What is a secret by itself, and is written in every way that the value is."""

AS_THEY_ARE = (
    Form("line endings", "terminals and editors write CRLF for LF, and back", take.line_endings),
    Form("lines", "loggers, prefixes and indentation take a text apart line by line", take.lines),
)
"""What is masked as it is and in no other way: a PEM has 30 lines, and what encodes a PEM encodes all of it."""

ENCODINGS = (
    Form("base64", "HTTP headers, Kubernetes, JSON with binary; also within `user:password`", encode.as_base64),
    Form("wrapped base64", "MIME, `base64`, PEM and YAML fold lines", encode.as_wrapped_base64),
    Form("hex", "logged digests, database drivers, debuggers", encode.as_hex),
    Form("UTF-16 and UTF-32", "numpy arrays of text in a pickle, Windows, the JVM", encode.as_wide),
    Form("fragments", "Rich and pandas cut long values, terminals fold them, grep colors them", fragments),
)
"""How any value may be written."""

ESCAPES = (
    Form("percent", "URLs in the errors of HTTP clients and database drivers", escape.as_percent),
    Form("JSON", "structured logs, API payloads, metadata", escape.as_json),
    Form("Python text", "repr of a string: dicts in logs, tracebacks, KeyError", escape.as_python),
    Form("Python bytes", "repr of bytes, protobuf, C and Go", escape.as_bytes_escapes),
    Form("shell", "echoed commands: `set -x`, subprocess errors, compose files", escape.as_shell),
    Form("quoted", "YAML, SQL and CSV double a quote", escape.as_quoted),
    Form("HTML and XML", "cards, reports and web pages", escape.as_html),
    Form("other charsets", "a terminal or file that is not UTF-8", escape.as_narrow),
)
"""How a value may be written that is more than letters, digits and `-_.~`."""


def variants(value: bytes, min_length: int) -> set[bytes]:
    """Return the byte strings that stand for a value in output, itself among them.

    Args:
        value: what was registered; text in UTF-8.
        min_length: shorter forms are left out. Bytes.

    Example:
        >>> sorted(variants(b"a&b c&d", 6) & {b"a%26b+c%26d", b"a&amp;b c&amp;d", b"61266220632664"})
        [b'61266220632664', b'a%26b+c%26d', b'a&amp;b c&amp;d']
    """
    forms = {value, *_made(AS_THEY_ARE, value, min_length=min_length)}
    if len(value) <= LONGEST:
        parts = fresh = _made(PARTS, value, min_length=min_length)
        while fresh := _made(PARTS, *fresh - {value}, min_length=min_length) - parts:
            parts = parts | fresh  # a part may have parts: a URL in a JSON document, JSON in base64
        forms |= parts
        for part in parts:
            makers = ENCODINGS + ESCAPES if part.translate(None, escape.UNRESERVED) else ENCODINGS
            written = {text for form in makers for text in form.make(part)}
            # However short a value may be, `YQ` is not masked as the base64 of `a` (actions/runner#326).
            forms.update(text for text in written if len(text) >= MIN_LENGTH)
    return {form for form in forms if len(form) >= min_length}


def _made(forms: tuple[Form, ...], *values: bytes, min_length: int) -> set[bytes]:
    made = {part for value in values for form in forms for part in form.make(value)}
    return {part for part in made if not why_not_masked(part, min_length)}
