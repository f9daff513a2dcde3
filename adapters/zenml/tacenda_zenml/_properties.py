"""The two attributes that lead to a secret: `StepContext.stack` and `Stack.secrets_manager`."""

from __future__ import annotations

from typing import Any

__all__ = ["active_stack", "secrets_manager"]


def active_stack(_: None) -> property:
    """Return `StepContext.stack`, which ZenML had until 0.52: the stack that the step runs on."""

    def stack(self: Any) -> Any:
        """The stack that this step runs on."""
        from zenml.client import Client

        return Client().active_stack

    return property(stack)


def secrets_manager(_: None) -> property:
    """Return `Stack.secrets_manager`: no component of the stack, so that nothing of it is in ZenML's database."""

    def manager(self: Any) -> Any:
        """The secrets of tacenda's stack: `get_secret(name)`."""
        from tacenda_zenml._manager import SecretsManager

        return SecretsManager(self.name)

    return property(manager)
