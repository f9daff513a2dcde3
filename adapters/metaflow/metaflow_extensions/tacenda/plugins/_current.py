"""What tacenda changes in `current`: it says what to do where there are no secrets, and a task begins with masking."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from metaflow.metaflow_current import Current, current

from tacenda._adapters import mask_output

__all__ = ["masked_output", "undeclared"]


def undeclared(_: None) -> property:
    """Return `current.secrets` as it is where no step has declared any."""
    return property(_undeclared)


def masked_output(set_env: Callable[..., None]) -> Callable[..., None]:
    """Return `Current._set_env` with masking: a task calls it first, before its decorators and its code."""

    @functools.wraps(set_env)
    def set_env_and_mask(self: Current, *args: Any, **settings: Any) -> None:
        set_env(self, *args, **settings)
        if self.is_running_flow:
            mask_output()

    return set_env_and_mask


def _undeclared(_: Current) -> NoReturn:
    step = f"step {current.step_name!r}" if current.is_running_flow else "this code"
    raise AttributeError(
        f"{step} declares no secrets, so there is no current.secrets: decorate the step with @secrets(sources=[...])"
    )
