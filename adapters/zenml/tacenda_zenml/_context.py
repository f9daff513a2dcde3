"""Step parameters that are annotated `StepContext`: no inputs of the step, but given to it when it is called.

ZenML did so until 0.52. A parameter is hidden by a `__signature__` on the user's function, which is what ZenML reads
its inputs from everywhere; the function itself stays as it is, so that a test can call it with a context of its own.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any

__all__ = ["context_off_cache", "context_parameters", "with_context"]

_HIDDEN = "__tacenda_context__"
_UNRESOLVED = re.compile(r"(?:\w+\.)*StepContext(?:\s*\|\s*None)?")
_UNIONS = (typing.Union, types.UnionType)


def context_off_cache(original: Callable[..., None]) -> Callable[..., None]:
    """Return `BaseStep.__init__` for steps that may take the context; without a word on caching it is off for them.

    A cached step would not read its secrets again, and upstream's documentation says so.
    """
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(self: Any, *args: Any, **settings: Any) -> None:
        if not context_parameters(self.entrypoint):
            return original(self, *args, **settings)
        bound = signature.bind(self, *args, **settings)
        if bound.arguments.get("enable_cache") is None:
            bound.arguments["enable_cache"] = False
        return original(*bound.args, **bound.kwargs)

    return init


def with_context(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return `validate_function_args` that adds the context to what a step is called with."""

    @functools.wraps(original)
    def validate(function: Any, config: Any, *args: Any, **given: Any) -> dict[str, Any]:
        names = getattr(function, _HIDDEN, ())
        if not names:
            return original(function, config, *args, **given)
        contexts = {name: given.pop(name) for name in names if name in given}  # in a test, or from another step
        validated = original(function, config, *args, **given)
        if len(contexts) < len(names):
            from zenml.steps.step_context import get_step_context

            contexts = {**dict.fromkeys(names, get_step_context()), **contexts}
        return {**validated, **contexts}

    return validate


def context_parameters(function: Any) -> tuple[str, ...]:
    """Return the parameters of a step's function that are annotated `StepContext`, and hide them from ZenML."""
    function = getattr(function, "__func__", function)  # of a step that is written as a class
    known: tuple[str, ...] | None = getattr(function, _HIDDEN, None)
    if known is not None:
        return known
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # ZenML says what is wrong with it
        return ()
    names = tuple(name for name, parameter in signature.parameters.items() if _is_context(parameter, function))
    if names:
        inputs = [parameter for name, parameter in signature.parameters.items() if name not in names]
        function.__signature__ = signature.replace(parameters=inputs)
        setattr(function, _HIDDEN, names)
    return names


def _is_context(parameter: inspect.Parameter, function: Any) -> bool:
    from zenml.steps.step_context import StepContext

    annotation = parameter.annotation
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = _resolved(annotation, function, StepContext)
    kinds = typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else (annotation,)
    return any(isinstance(kind, type) and issubclass(kind, StepContext) for kind in kinds)


def _resolved(text: str, function: Any, context: type) -> Any:
    """Return what an annotation in quotes, or under `from __future__ import annotations`, stands for."""
    place = types.SimpleNamespace(__annotations__={"it": text})
    names = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return typing.get_type_hints(place, names)["it"]
    except Exception:  # noqa: BLE001 - names under `if TYPE_CHECKING:` or of an enclosing function, and any nonsense
        return context if _UNRESOLVED.fullmatch(text) else None
