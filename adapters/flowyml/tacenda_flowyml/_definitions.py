"""FlowyML's `StackDefinition` and `StackConfig` with the `secrets:` section that is documented."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["keep_origin", "keep_secrets", "live_with_secrets", "origins", "provider_of_definition", "widened"]


def widened(model: type[Any]) -> type[Any]:
    """Let `SecretsConfig` take every documented provider and setting; what it took before it takes unchanged.

    A definition without them has the digest that it had.
    """
    models = sys.modules[model.__module__]
    models.SUPPORTED_SECRET_PROVIDERS = _Providers(models.SUPPORTED_SECRET_PROVIDERS)  # type: ignore[attr-defined]
    model.model_config = {**model.model_config, "extra": "allow"}
    for each in (model, models.StackSpec, models.StackDefinition):  # each has the schema of the one before in its own
        each.model_rebuild(force=True)
    return model


class _Providers(frozenset[str]):
    """FlowyML's names of providers, and every other that tacenda knows: documented names, aliases, plug-ins."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _is_provider(name))

    def __iter__(self) -> Iterator[str]:
        from tacenda._registry import PROVIDERS

        return iter({*super().__iter__(), *PROVIDERS})


def _is_provider(name: str) -> bool:
    from tacenda.errors import ConfigurationError
    from tacenda_flowyml._entries import canonical_name

    try:
        return bool(canonical_name(name))
    except ConfigurationError:
        return False


def keep_origin(original: Any) -> Any:
    """Have `StackDefinition.from_yaml` note its file: a relative `path` starts at that file's directory."""
    from_yaml = original.__func__

    @functools.wraps(from_yaml)
    def from_yaml_and_note(cls: type[Any], path: str) -> Any:
        from tacenda_flowyml._sources import come_from

        definition = from_yaml(cls, path)
        come_from(definition, path)
        return definition

    return classmethod(from_yaml_and_note)


def provider_of_definition(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have a `StackDefinition` pass all of itself to the factory, not two settings of it."""

    @functools.wraps(original)
    def get_secrets_provider(self: Any) -> Any:
        from flowyml.stacks.enterprise import secrets

        return secrets.get_secrets_provider(self)

    return get_secrets_provider


def keep_secrets(original: Any) -> Any:
    """Have `StackConfig.from_dict` keep the `secrets:` section of a stack in `flowyml.yaml`."""
    from_dict = original.__func__

    @functools.wraps(from_dict)
    def from_dict_with_secrets(cls: type[Any], name: str, data: dict[str, Any]) -> Any:
        config = from_dict(cls, name, data)
        config.secrets = data.get("secrets")
        return config

    return classmethod(from_dict_with_secrets)


def origins(original: Callable[..., None]) -> Callable[..., None]:
    """Have the `StackManager` note which file its stacks come from."""

    @functools.wraps(original)
    def load_and_note(self: Any) -> None:
        original(self)
        path = getattr(self._config, "_config_path", None)
        if path:
            from tacenda_flowyml._sources import come_from

            for config in self._stacks.values():
                come_from(config, path)

    return load_and_note


def live_with_secrets(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have `StackConfig.to_stack` pass the section and its file on to the `Stack`."""

    @functools.wraps(original)
    def to_stack(self: Any) -> Any:
        stack = original(self)
        stack.secrets = getattr(self, "secrets", None)
        if stack.secrets is not None:
            from tacenda_flowyml._sources import pass_origin_on

            pass_origin_on(self, stack)
        return stack

    return to_stack
