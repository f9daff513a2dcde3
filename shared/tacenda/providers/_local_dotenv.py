"""Dotenv files: read by python-dotenv without interpolation, and edited line by line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tacenda.providers._local_formats import Format, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dotenv.parser import Binding

    from tacenda._values import Secret

__all__ = ["Dotenv"]

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")  # what no shell and no dotenv reader takes for syntax
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_LEAD = re.compile(r"\s*(?:export[^\S\r\n]+)?")
_COMMENT = re.compile(r"[^\S\r\n]+#")
_LINE_END = re.compile(r"[^\S\r\n]*(\r\n|\n|\r|)\Z")
# Quotes in a following line, which no value may reach: older python-dotenv reads past an escaped backslash.
_TRAP = "\n# '\"'\"\n"


class Dotenv(Format):
    """NAME=value lines; comments, order, `export` and untouched lines stay as they are.

    Every value is text. A bundle is JSON text, bytes are base64 within JSON.
    """

    def parse(self, text: Secret, file: str) -> dict[str, Any]:
        """Return the names and texts; errors as `Format.parse`. A name without `=` has no value and is left out."""
        content, line = _scan(text)
        if line is not None:
            raise malformed(file, line, "this is not NAME=value")
        return content

    def render(self, content: Mapping[str, Any], before: str) -> str:
        """Return the text with changed lines replaced, missing names dropped and new ones at the end."""
        bindings = list(_bindings(before))
        old = {binding.key: binding.value for binding in bindings}
        last = {binding.key: index for index, binding in enumerate(bindings)}
        parts = []
        for index, binding in enumerate(bindings):
            name = binding.key
            changed = name is not None and name in content and content[name] != old.get(name)
            if changed and name is not None and index == last[name]:
                parts.append(_edited(binding, content[name]))
            elif name is None or name in content or binding.value is None:
                parts.append(binding.original.string)
        added = [_line(name, value) + "\n" for name, value in content.items() if name not in last]
        if added and parts and not parts[-1].endswith(("\n", "\r")):
            parts.append("\n")
        return "".join(parts + added)

    def problem(self, content: Mapping[str, Any]) -> str | None:
        """Return what would lose its type, besides what `Format.problem` finds."""
        for name, value in content.items():
            if not isinstance(value, (str, bytes, Mapping)):
                return f"{name!r} is a {type(value).__name__}, and every value of a dotenv file is text"
        return super().problem(content)

    def encode(self, value: Any) -> str:
        """Return a text as it is, a bundle as JSON text and bytes as base64 within JSON."""
        encoded = super().encode(value)
        return encoded if isinstance(encoded, str) else json.dumps(encoded, ensure_ascii=False)

    def decode(self, value: Any) -> Any:
        """Return what holds bytes as `encode` was given it, and any other text exactly as it stands."""
        if not (value.startswith("{") and '"encoding"' in value):
            return value
        try:
            content = json.loads(value)
            decoded = super().decode(content)
        except (ValueError, RecursionError):
            return value
        return value if decoded == content else decoded


def _bindings(text: str) -> Iterator[Binding]:
    from dotenv.parser import parse_stream

    return parse_stream(io.StringIO(text))


def _scan(text: str) -> tuple[dict[str, str], int | None]:
    """Return what a text means, or nothing and the number of the first malformed line."""
    content = {}
    for binding in _bindings(text):
        if binding.error:
            blank = re.match(r"\s*", binding.original.string)
            return {}, binding.original.line + (blank[0].count("\n") if blank else 0)
        if binding.key is not None and binding.value is not None:
            content[binding.key] = binding.value
    return content, None


def _line(name: str, value: str) -> str:
    """Return the first spelling of a line that reads back exactly; nothing if there is none."""
    for quoted in _quotings(value):
        line = f"{_quoted_name(name)}={quoted}"
        if _scan(line + _TRAP) == ({name: value}, None):
            return line
    return ""


def _quoted_name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else f"'{name}'"


def _quotings(value: str) -> Iterator[str]:
    if _PLAIN.fullmatch(value):
        yield value
    if value.isprintable():  # other readers expand $NAME everywhere but in single quotes
        yield "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    yield '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
    if not {"\n", "\r"} & set(value):  # older python-dotenv cannot end a quoted value with a backslash
        yield value


def _edited(binding: Binding, value: str) -> str:
    """Return a binding's text with another value, its `export`, inline comment and line end kept."""
    name, original = str(binding.key), binding.original.string
    lead, end = _LEAD.match(original), _LINE_END.search(original)
    line = _line(name, value)
    if not line or lead is None or end is None:
        return ""
    return lead[0] + line + _inline_comment(binding, original[: end.start()]) + end[1]


def _inline_comment(binding: Binding, body: str) -> str:
    for comment in _COMMENT.finditer(body):
        if binding.value is not None and _scan(body[: comment.start()]) == ({binding.key: binding.value}, None):
            return body[comment.start() :]
    return ""
