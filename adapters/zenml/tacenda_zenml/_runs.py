"""What surrounds a run: its output is masked, and tacenda's stack of the same name as ZenML's serves it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tacenda._adapters import mask_output

__all__ = ["on_active_stack", "on_stack_of_runner"]


def on_stack_of_runner(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `StepRunner.run`, masked. It is called in the step's own thread, or in its own process."""

    @functools.wraps(original)
    def run(self: Any, *args: Any, **settings: Any) -> Any:
        mask_output()
        from tacenda._audit import caller

        with caller(**_who(settings.get("step_run_info"))):
            return _on(getattr(self._stack, "name", None), original, self, *args, **settings)

    return run


def on_active_stack(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that a pipeline runs in, masked: the pipeline's own code may read secrets too."""

    @functools.wraps(original)
    def run(self: Any, *args: Any, **settings: Any) -> Any:
        mask_output()
        return _on(_active_stack(), original, self, *args, **settings)

    return run


def _who(step: Any) -> dict[str, str]:
    """Return what the audit says of a step, from ZenML's description of its run."""
    names = {
        "pipeline": getattr(getattr(step, "pipeline", None), "name", None),
        "run": getattr(step, "run_name", None),
        "step": getattr(step, "pipeline_step_name", None),
    }
    return {name: str(value) for name, value in names.items() if value}


def _on(stack: str | None, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    if stack is None:
        return function(*args, **settings)
    from tacenda._active import use_stack

    with use_stack(stack, if_configured=True):
        return function(*args, **settings)


def _active_stack() -> str | None:
    from zenml.client import Client

    try:
        name: str = Client().active_stack_model.name
    except Exception:  # noqa: BLE001 - ZenML says itself what is wrong, in its own words
        return None
    return name
