"""Pages and filters of the two list methods."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

from google.cloud.secretmanager_v1 import types

from tacenda.testing._gcp._errors import invalid_argument

__all__ = ["MAX_PAGE", "matching", "page"]

MAX_PAGE = 25_000

_TERM = re.compile(
    r'(?P<not>-|NOT\s+)?(?P<field>[a-z_]+(?:\.[\w-]+)?)\s*(?P<operator>:|=)\s*(?P<value>"[^"]*"|[^\s()]+)'
)
_TOKEN = re.compile(rf"\s*(?:(?P<word>AND|OR)\b|(?P<term>{_TERM.pattern}))")


def page(items: Sequence[Any], request: Any) -> tuple[Sequence[Any], str]:
    """Return one page of what is listed, and the token of the next one; "" for the last.

    Args:
        items: everything that is listed.
        request: the list request, with `page_size` (25,000 if 0 or more) and `page_token`.
    """
    if request.page_size < 0:
        raise invalid_argument("The page size cannot be negative.")
    start = _start(request.page_token)
    end = start + min(request.page_size or MAX_PAGE, MAX_PAGE)
    return items[start:end], base64.urlsafe_b64encode(b"from:%d" % end).decode() if end < len(items) else ""


def matching(items: Sequence[Any], expression: str) -> list[Any]:
    """Return the messages that a filter lets through.

    Args:
        items: messages of secrets or versions.
        expression: terms such as `name:api`, `labels.team=data`, `labels.team:*`, `state:ENABLED`, each perhaps with
            NOT or `-`, joined by AND (or nothing) and OR; as in most of Google's filters, OR binds more tightly.
    """
    if not expression.strip():
        return list(items)
    groups = _parse(expression)
    return [item for item in items if all(any(test(item) for test in group) for group in groups)]


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from:"))
    except ValueError:
        raise invalid_argument("The page token is invalid.") from None


def _parse(expression: str) -> list[list[Callable[[Any], bool]]]:
    """Return the terms: of each group one has to hold."""
    invalid = invalid_argument(f"The filter [{expression}] is invalid.")
    groups: list[list[Callable[[Any], bool]]] = []
    joint = ""  # the AND or OR that waits for a term
    position = 0
    while position < len(expression.rstrip()):
        match = _TOKEN.match(expression, position)
        if not match or (match["word"] and (joint or not groups)):
            raise invalid
        position = match.end()
        if match["word"]:
            joint = match["word"]
            continue
        if joint == "OR":
            groups[-1].append(_test(match["term"]))
        else:
            groups.append([_test(match["term"])])
        joint = ""
    if joint:
        raise invalid
    return groups


def _test(term: str) -> Callable[[Any], bool]:
    match = _TERM.fullmatch(term)
    assert match
    negated, field, equal = bool(match["not"]), match["field"], match["operator"] == "="
    value = match["value"].strip('"')

    def test(item: Any) -> bool:
        text = _field(item, field)
        if text is None:
            found = False
        elif value == "*":
            found = True
        else:
            found = text == value if equal else value.lower() in text.lower()
        return found != negated

    return test


def _field(item: Any, field: str) -> str | None:
    top, _, key = field.partition(".")
    if top in {"labels", "annotations"}:
        mapping = getattr(item, top)
        if key:
            return mapping.get(key)  # type: ignore[no-any-return]
        return " ".join(f"{name}:{value}" for name, value in mapping.items()) or None
    if top == "name":
        return str(item.name).rpartition("/")[2]
    if top == "state" and hasattr(item, "state"):
        return str(types.SecretVersion.State(item.state).name)
    raise invalid_argument(f"The filter field [{field}] is invalid.")
