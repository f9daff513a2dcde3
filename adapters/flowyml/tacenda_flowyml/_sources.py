"""Which stack of tacenda's is meant by what FlowyML has: a mapping, its configuration objects, a definition."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["come_from", "described_stack", "pass_origin_on", "secrets_section", "stack_of"]

_OWN_SETTINGS = ("cache_ttl", "deadline", "non_secret_keys")
_FILES: dict[int, tuple[weakref.ref[Any], str]] = {}


class _Description(NamedTuple):
    """What an object of FlowyML's says about its secrets.

    Attributes:
        name: the stack's name; None if it has none.
        secrets: its `secrets:` section, or None.
        file: where it was read from, or None.
        settings: settings of the stack beside it.
    """

    name: str | None
    secrets: Any
    file: str | None = None
    settings: Mapping[str, Any] = {}


def come_from(thing: Any, file: str | os.PathLike[str]) -> None:
    """Note which file an object was read from: relative paths in it start at that file's directory."""
    key = id(thing)
    # Beside the object, not in it: neither its digest nor a comparison must depend on where a checkout lies.
    _FILES[key] = weakref.ref(thing, lambda _: _FILES.pop(key, None)), os.path.abspath(file)


def pass_origin_on(thing: Any, made_of_it: Any) -> None:
    """Note that an object was made of another, and so comes from the same file, if from any."""
    file = _file_of(thing)
    if file:
        come_from(made_of_it, file)


def secrets_section(thing: Any) -> Any:
    """Return the `secrets:` section of an object of FlowyML's, or of a mapping; None if it has none.

    Raises:
        ConfigurationError: if the thing is no configuration.
    """
    return _describe(thing).secrets


def described_stack(thing: Any) -> Stack:
    """Return the stack that an object describes by itself; without a `secrets:` section, one on env and files.

    Raises:
        ConfigurationError: if the section is wrong.
    """
    from tacenda._stack import stack_from_mapping
    from tacenda_flowyml._entries import tacenda_entry

    name, secrets, file, settings = _describe(thing)
    entries = [tacenda_entry(item) for item in secrets] if isinstance(secrets, list) else tacenda_entry(secrets)
    return stack_from_mapping(
        name or "stack_config",
        {**settings, "secrets": entries},
        Path(os.path.dirname(file) if file else os.getcwd()),
        file or ("get_secrets_provider" if isinstance(thing, Mapping) else f"FlowyML's {type(thing).__name__}"),
        credentials=file is None,  # given in code, not in a file that somebody commits
    )


def stack_of(thing: Any) -> Stack:
    """Return the stack that an object means: its own, or, if it says nothing, tacenda's of the same name.

    Raises:
        ConfigurationError: if that is wrong.
    """
    from tacenda._config import find_configuration

    name, secrets, *_ = _describe(thing)
    if secrets is None and name is not None:
        configuration = find_configuration()
        if name in configuration.stacks:
            return configuration.stack(name)
    return described_stack(thing)


def _describe(thing: Any) -> _Description:
    if thing is None:
        return _Description(None, None)
    if isinstance(thing, Mapping):
        return _describe_mapping(thing)
    file = _file_of(thing)
    spec = getattr(thing, "spec", None)  # a StackDefinition has its sections there
    if spec is not None:
        given = "secrets" in spec.model_fields_set
        return _Description(thing.name, _section(spec.secrets) if given else None, file)
    if hasattr(thing, "provider"):  # a SecretsConfig
        return _Description(None, _section(thing), file)
    if isinstance(getattr(thing, "name", None), str):  # a StackConfig or a Stack
        return _Description(thing.name, _section(getattr(thing, "secrets", None)), file)
    from tacenda.errors import ConfigurationError

    raise ConfigurationError(
        f"get_secrets_provider takes the configuration of a stack, not a {type(thing).__name__}",
        hint="pass a mapping, a StackDefinition, a StackConfig, or a provider's name",
    )


def _file_of(thing: Any) -> str | None:
    reference, file = _FILES.get(id(thing), (None, None))
    return file if reference is not None and reference() is thing else None


def _describe_mapping(config: Mapping[str, Any]) -> _Description:
    if isinstance(config.get("stacks"), Mapping):
        from tacenda.errors import ConfigurationError

        raise ConfigurationError(
            "get_secrets_provider takes the configuration of one stack, not of all",
            hint=f"pass one of `stacks`: {', '.join(map(str, config['stacks'])) or 'it has none'}",
        )
    if isinstance(config.get("provider"), str):  # the section itself
        return _Description(None, config)
    spec = config.get("spec")
    inner = spec if isinstance(spec, Mapping) else config
    name = config.get("name")
    settings = {key: inner[key] for key in _OWN_SETTINGS if key in inner}
    return _Description(name if isinstance(name, str) else None, inner.get("secrets"), None, settings)


def _section(secrets: Any) -> Any:
    # Without what is not set: `scope: null` is in every dump of FlowyML's model.
    return secrets.model_dump(exclude_none=True) if hasattr(secrets, "model_dump") else secrets
