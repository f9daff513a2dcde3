"""What to say of a stack that neither FlowyML nor tacenda knows."""

from __future__ import annotations

from contextlib import suppress

__all__ = ["refuse_unknown"]


def refuse_unknown(name: str) -> None:
    """Raise if tacenda's configuration has no stack of that name either.

    Raises:
        ConfigurationError: with the stacks that there are.
    """
    from tacenda._config import find_configuration
    from tacenda._registry import did_you_mean
    from tacenda.errors import ConfigurationError

    configuration = find_configuration()
    if configuration.path is not None and name in configuration.stacks:
        return
    known = [*(configuration.stacks if configuration.path else ()), *_stacks_of_flowyml()]
    raise ConfigurationError(
        f"there is no stack {name!r}, neither in FlowyML's registries nor in {configuration.source}"
        f"{did_you_mean(name, known)}",
        hint=f"the stacks are: {', '.join(dict.fromkeys(known)) or 'none'}",
    )


def _stacks_of_flowyml() -> list[str]:
    names: list[str] = []
    with suppress(Exception):  # a registry that cannot be asked has nothing to suggest
        from flowyml.plugins.stack_config import list_stacks

        names += list_stacks()
    with suppress(Exception):
        from flowyml.stacks.registry import get_registry

        names += get_registry().list_stacks()
    with suppress(Exception):
        from flowyml.stacks.enterprise.resolver import StackResolver

        names += [reference.name for reference in StackResolver().list_stacks()]
    return names
