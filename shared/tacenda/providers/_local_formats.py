"""What a local file holds, told by its name: JSON, YAML or dotenv, as a mapping of names to values."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tacenda._errors import ConfigurationError, Unsupported
from tacenda._values import Secret
from tacenda.providers._base import Document
from tacenda.providers._encoding import decode_leaf, encode_leaf

__all__ = ["Format", "Json", "Yaml", "malformed"]

_ENDLESS = 2**31 - 1  # the width at which PyYAML would break a line


class Format(ABC):
    """A file format: from text to a mapping, and back, with what a person wrote around it kept where possible.

    Text and content are held in `Secret` and `Document` on purpose: whoever prints the local variables of a
    traceback sees masked ones.
    """

    @abstractmethod
    def parse(self, text: Secret, file: str) -> dict[str, Any]:
        """Return the mapping that a text means, as the format has it.

        Raises:
            ConfigurationError: if it is malformed, naming the file and line and nothing of the content.
        """

    @abstractmethod
    def render(self, content: Mapping[str, Any], before: str) -> str:
        """Return a new text for encoded content; what cannot be spelled is left out, and `dumps` says so."""

    def problem(self, content: Mapping[str, Any]) -> str | None:
        """Return what the format cannot hold, named by its place; None if it can hold all."""
        return foreign(content)

    def encode(self, value: Any) -> Any:
        """Return a value as the format can hold it."""
        return _encode(value)

    def decode(self, value: Any) -> Any:
        """Return the value that `encode` was given."""
        return _decode(value)

    def loads(self, text: Secret, file: str) -> Document:
        """Return what a file's text means; errors as `parse`."""
        return Document({name: self.decode(value) for name, value in self.parse(text, file).items()})

    def dumps(self, document: Document, before: Secret, file: str) -> Secret:
        """Return the text to write, after reading it back to be sure that it means the same.

        Args:
            document: the names and values to write.
            before: the file's text so far.
            file: the file's name, for messages.

        Raises:
            Unsupported: if the format cannot hold a value exactly.
        """
        if not isinstance(document.value, Mapping):
            raise Unsupported(f"{file} is one document of names and values, and cannot hold a single value")
        problem = self.problem(document.value)
        if problem is not None:
            raise Unsupported(f"{file} cannot hold this: {problem}", hint="write it as text")
        text, lost = self._spell(document.value, before, file)
        if lost:
            raise Unsupported(
                f"{file} cannot hold the exact value of {', '.join(map(repr, lost))} in its format",
                name=lost[0],
                hint="keep the secrets in a .json file, which can hold every name and text",
            )
        return text

    def _spell(self, content: Mapping[str, Any], before: Secret, file: str) -> tuple[Secret, list[str]]:
        """Return the new text, and the names whose values would not read back from it."""
        encoded = {name: self.encode(value) for name, value in content.items()}
        text = Secret(self.render(encoded, before))
        try:
            written = self.parse(text, file)
        except ConfigurationError:
            written = {}
        missing = object()
        names = dict.fromkeys([*encoded, *written])
        return text, [name for name in names if written.get(name, missing) != encoded.get(name, missing)]


class Json(Format):
    """A JSON object."""

    def parse(self, text: Secret, file: str) -> dict[str, Any]:
        """Return the object; errors as `Format.parse`."""
        line, problem = None, "this is not valid JSON"
        try:
            content = json.loads(text)
            problem = _no_document(content) or ""
            if not problem:
                return dict(content)
            del content
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None)
        raise malformed(file, line, problem)

    def render(self, content: Mapping[str, Any], before: str) -> str:
        """Return indented JSON."""
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


class Yaml(Format):
    """A YAML mapping with JSON's types. Writing it loses comments and layout: PyYAML keeps neither."""

    def parse(self, text: Secret, file: str) -> dict[str, Any]:
        """Return the mapping; errors as `Format.parse`."""
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        line, problem = None, "this is not valid YAML"
        try:
            content = yaml.load(str(text), Loader=loader) or {}  # noqa: S506 - it is a safe loader
            problem = _no_document(content) or ""
            if not problem:
                return dict(content)
            del content
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
            pass  # what PyYAML lets through for values such as 2024-99-99 or `!!bool maybe`
        raise malformed(file, line, problem)

    def render(self, content: Mapping[str, Any], before: str) -> str:
        """Return block-style YAML in the order of the content."""
        import yaml

        try:
            text: str = yaml.dump(
                dict(content), Dumper=_yaml_dumper(), allow_unicode=True, sort_keys=False, width=_ENDLESS
            )
        except yaml.YAMLError:  # its message would hold the value
            return ""
        return text


def _yaml_dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """PyYAML's own, but it escapes line breaks and control characters: its other styles fold some of them."""

        def text(self, value: str) -> Any:
            style = None if value.isprintable() else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, Dumper.text)
    return Dumper


def malformed(file: str, line: int | None, reason: str) -> ConfigurationError:
    """Return the error for a file that cannot be understood: the place and the reason, nothing of the content."""
    place = file if line is None else f"{file}, line {line}"
    return ConfigurationError(f"{place}: {reason}", hint="mend the file by hand: tacenda has left it as it is")


def foreign(value: Any, place: str = "") -> str | None:
    """Return which part of a value JSON cannot hold, and why; None if it can hold all (bytes count as held).

    Example:
        >>> import datetime
        >>> foreign({"db": {"since": datetime.date(2026, 1, 1)}})
        "'db.since' is a date"
    """
    if isinstance(value, Mapping):
        return next(filter(None, (_foreign_item(key, item, place) for key, item in value.items())), None)
    if isinstance(value, (list, tuple)):
        return next(filter(None, (foreign(item, place) for item in value)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{place!r} is infinite or not a number"
    if isinstance(value, str) and not _encodable(value):
        return f"{place!r} is text that no encoding can hold"
    held = value is None or isinstance(value, (str, bytes, int, float))
    return None if held else f"{place!r} is a {type(value).__name__}"


def _foreign_item(key: Any, item: Any, place: str) -> str | None:
    if not isinstance(key, str) or not _encodable(key):
        return f"a name in {place or 'the document'!r} is no text (it is a {type(key).__name__})"
    return foreign(item, f"{place}.{key}" if place else key)


def _no_document(content: Any) -> str | None:
    if not isinstance(content, dict):
        return "it must hold names and their values, as a mapping"
    try:
        problem = foreign(content)
    except RecursionError:  # a YAML anchor that holds itself
        return "it is nested without end"
    return problem and f"{problem}, which JSON cannot hold; put quotes around what is meant as text"


def _encodable(text: str) -> bool:
    # Half of a surrogate pair is the only text that UTF-8 refuses.
    return text.isprintable() or not any("\ud800" <= character <= "\udfff" for character in text)


def _encode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    # A subclass of str (an enumeration's member, say) is its text; PyYAML refuses subclasses.
    return str.__str__(value) if isinstance(value, str) else encode_leaf(value)


def _decode(value: Any) -> Any:
    decoded = decode_leaf(value)
    if isinstance(decoded, dict):
        return {key: _decode(item) for key, item in decoded.items()}
    if isinstance(decoded, list):
        return [_decode(item) for item in decoded]
    return decoded
