"""`get_secrets_provider` in all its forms: the documented one, FlowyML's own, and the one without an argument."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["documented_factory"]

_ACTIVE: Any = object()
# These names have FlowyML's own classes behind them; the documented names of the same services are tacenda's.
_FLOWYMLS_OWN = frozenset({"aws_secrets_manager", "azure_key_vault", "gcp_secret_manager"})
_ITS_SETTINGS = frozenset({"provider", "scope"})
_KNOWN_FILE = r"(?:.*/)?(?:[^/]*\.(?:json|ya?ml|env)|\.env\.[^/]*)(?:\.age)?"


def documented_factory(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return FlowyML's factory, extended by what FlowyML documents."""

    @functools.wraps(original)
    def get_secrets_provider(
        stack_config: Any = _ACTIVE, scope: str | None = None, *, provider_name: str | None = None, **settings: Any
    ) -> Any:
        """Return the secrets provider of a stack.

        Args:
            stack_config: the configuration of a stack, or its `secrets:` section, as a mapping or as an object of
                FlowyML's; or a provider's name, with its settings. Without it: the stack that is active here, which
                in a step is the pipeline's.
            scope: FlowyML's own setting, beside a provider's name.
            provider_name: FlowyML's own name for the first argument.
            **settings: the provider's settings, beside its name.

        Raises:
            ConfigurationError: if there is no such provider, or a setting is wrong.
        """
        config = stack_config if provider_name is None else provider_name
        if isinstance(config, str):
            return _by_name(original, config, scope, settings)
        if scope is not None or settings:
            raise TypeError("settings go with a provider's name; a stack's configuration holds its own")
        return _active() if config is _ACTIVE else _by_configuration(original, config)

    return get_secrets_provider


def _by_name(original: Callable[..., Any], name: str, scope: str | None, settings: dict[str, Any]) -> Any:
    if name in _FLOWYMLS_OWN or (name == "local" and scope and not re.fullmatch(_KNOWN_FILE, str(scope))):
        return original(name, scope, **settings)
    from tacenda_flowyml._provider import EnvironmentSecretsProvider, provider_of
    from tacenda_flowyml._sources import described_stack

    if name == "local" and not scope and "path" not in settings:
        scope = ".env"  # FlowyML's own default; in a configuration it is the documented one
    provider = provider_of(described_stack({"provider": name, "scope": scope, **settings}))
    if isinstance(provider, EnvironmentSecretsProvider):
        provider.lists_all = True
    return provider


def _by_configuration(original: Callable[..., Any], config: Any) -> Any:
    from tacenda_flowyml._provider import provider_of
    from tacenda_flowyml._sources import secrets_section, stack_of

    section = secrets_section(config)
    if isinstance(section, Mapping) and section.get("provider") in _FLOWYMLS_OWN and set(section) <= _ITS_SETTINGS:
        return original(section["provider"], section.get("scope"))
    return provider_of(stack_of(config))


def _active() -> Any:
    from tacenda._process import process_store
    from tacenda_flowyml._provider import provider_on

    return provider_on(process_store())
