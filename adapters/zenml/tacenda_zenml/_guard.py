"""What ZenML is about to persist and must not hold a secret: artifacts, and the parameters of steps and pipelines."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tacenda._adapters import known_masker, masked_copy, refuse_output
from tacenda_zenml._remote import refuse_local_file

__all__ = ["guarded_artifact", "guarded_pipeline", "guarded_step"]


def guarded_artifact(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stores step outputs, `save_artifact`'s data and what hooks return, each before it is written."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def store(*args: Any, **settings: Any) -> Any:
        if known_masker() is None:
            return original(*args, **settings)
        bound = signature.bind(*args, **settings)
        given = bound.arguments
        data = given["data"]
        name, what = _output(given["name"], given["save_type"], custom=given.get("has_custom_name", True))
        refuse_output(data, name, what, _running_function(), _paths(data))
        for name in ("metadata", "tags"):
            if name in given:
                given[name] = masked_copy(given[name])
        return original(*bound.args, **bound.kwargs)

    return store


def guarded_step(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Compiler._compile_step_invocation`, whose result is kept in the database, also of dynamic pipelines."""

    @functools.wraps(original)
    def compile_step(self: Any, invocation: Any, *args: Any, **settings: Any) -> Any:
        step = original(self, invocation, *args, **settings)
        if known_masker():
            name = getattr(invocation, "id", None) or step.config.name
            _refuse_parameters(step.config.parameters, f"step {name!r}")
            _refuse(step.model_dump_json(), f"the configuration of step {name!r}")
        return step

    return compile_step


def guarded_pipeline(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Compiler.compile`, whose result is kept in the database."""

    @functools.wraps(original)
    def compile_pipeline(self: Any, pipeline: Any, stack: Any, *args: Any, **settings: Any) -> Any:
        refuse_local_file(pipeline, stack)
        snapshot = original(self, pipeline, stack, *args, **settings)
        if known_masker():
            _refuse_parameters(snapshot.pipeline_configuration.parameters or {}, f"pipeline {pipeline.name!r}")
            _refuse(snapshot.model_dump_json(), f"the configuration of pipeline {pipeline.name!r}")
        return snapshot

    return compile_pipeline


def _output(name: str, save_type: Any, *, custom: bool) -> tuple[str, str]:
    """Return what a user calls an artifact, and its name for a message.

    ZenML calls an output without a name of its own `pipeline::step::output`.
    """
    from zenml.steps.step_context import StepContext

    context = StepContext.get() if hasattr(StepContext, "get") else None
    if context is None or getattr(save_type, "value", save_type) != "step_output":
        return name, f"artifact {name!r}"
    short = name if custom else name.rpartition("::")[2]
    return short, f"output {short!r} of step {context.step_name!r}"


def _paths(data: Any) -> Iterator[Path]:
    """Yield each path in an artifact: ZenML copies the file or directory, also of a path in a list or in a dict."""
    if isinstance(data, Path):
        yield data
    elif isinstance(data, (list, tuple, set)):
        for item in data:
            yield from _paths(item)
    elif isinstance(data, dict):
        yield from _paths(list(data.values()))


def _running_function() -> Any:
    """Return the user's function of the step that is running; None outside of steps."""
    from zenml.steps import BaseStep
    from zenml.steps.step_context import get_step_context

    try:
        return BaseStep.load_from_source(get_step_context().step_run.spec.source).entrypoint
    except Exception:  # noqa: BLE001 - no step, or one that cannot be found again: then nobody has allowed it
        return None


def _refuse_parameters(parameters: Mapping[str, Any], owner: str) -> None:
    for name, value in parameters.items():
        _refuse(value, f"parameter {name!r} of {owner}")


def _refuse(data: Any, what: str) -> None:
    from tacenda.masking import refuse_leaks

    refuse_leaks(data, what)
