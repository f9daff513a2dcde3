"""The limits of the service; pages "About Azure Key Vault secrets" and "Azure Key Vault service limits"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tacenda.testing._azure._messages import Request, ServiceError

__all__ = ["attributes", "bad_parameter", "content_type", "name", "page_size", "tags", "value", "version_of_api"]

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSIONS = re.compile(r"2016-10-01|7\.[0-6](-preview(\.\d+)?)?|202\d-\d\d-\d\d(-preview)?")
_VALUE_BYTES = 25 * 1024
_CONTENT_TYPE_LENGTH = 255
_TAGS, _TAG_NAME_LENGTH, _TAG_VALUE_LENGTH = 15, 256, 256
_PAGE = 25
_INVALID = "Property {} has invalid value\r\n"  # the service rarely names the property


def bad_parameter(message: str) -> ServiceError:
    """Return the refusal of a request that cannot be right."""
    return ServiceError(400, "BadParameter", message)


def version_of_api(request: Request) -> None:
    """Raise ServiceError unless the request says which version of the API it speaks."""
    version = request.query.get("api-version")
    if version is None:
        raise bad_parameter("The request is missing the required query parameter: api-version")
    if not _VERSIONS.fullmatch(version):
        advice = "Consider using the latest supported version (7.6)."
        raise bad_parameter(f"The specified version ({version}) is not recognized. {advice}")


def name(text: str) -> str:
    """Return a legal name."""
    if not _NAME.fullmatch(text):
        raise bad_parameter(f"The request URI contains an invalid name: {text}")
    return text


def value(content: Mapping[str, Any]) -> str:
    """Return a legal value."""
    text = content.get("value")
    if not isinstance(text, str):
        raise bad_parameter(_INVALID.format("value"))
    if len(text.encode("utf-8", "surrogatepass")) > _VALUE_BYTES:
        raise bad_parameter(f"The secret value exceeds the maximum size of {_VALUE_BYTES} bytes.")
    return text


def content_type(content: Mapping[str, Any]) -> str | None:
    """Return a legal content type, None if there is none."""
    text = content.get("contentType")
    if text is not None and (not isinstance(text, str) or len(text) > _CONTENT_TYPE_LENGTH):
        raise bad_parameter(_INVALID.format(""))
    return text


def tags(content: Mapping[str, Any]) -> dict[str, str] | None:
    """Return legal tags, None if there are none."""
    found = content.get("tags")
    if found is None:
        return None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise bad_parameter(_INVALID.format("tags"))
    if len(found) > _TAGS:
        raise bad_parameter(f"Too many tags specified. A secret can have at most {_TAGS} tags.")
    if any(len(key) > _TAG_NAME_LENGTH or len(text) > _TAG_VALUE_LENGTH for key, text in found.items()):
        raise bad_parameter(f"A tag's name or value is longer than {_TAG_VALUE_LENGTH} characters.")
    return found


def attributes(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the attributes `enabled`, `nbf` and `exp` that a client set."""
    given = content.get("attributes")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise bad_parameter(_INVALID.format("attributes"))
    found = {key: given[key] for key in ("enabled", "nbf", "exp") if given.get(key) is not None}
    for key, setting in found.items():
        if isinstance(setting, bool) != (key == "enabled") or not isinstance(setting, int):
            raise bad_parameter(_INVALID.format(key))
    if "nbf" in found and "exp" in found and found["exp"] <= found["nbf"]:
        raise bad_parameter("The expiration date must be later than the not-before date.")
    return found


def page_size(request: Request) -> int:
    """Return how many entries a client wants in a page."""
    text = request.query.get("maxresults", str(_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= _PAGE:
        raise bad_parameter(f"Invalid value for maxresults. It must be between 1 and {_PAGE}.")
    return int(text)
