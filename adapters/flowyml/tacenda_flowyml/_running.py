"""A pipeline's run: which stack serves it, and that what its secrets did wrong is not lost."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

from tacenda._adapters import known_masker, mask_output

__all__ = ["known_stack", "note_failure", "on_its_stack", "strict_sub_pipeline", "watched_run"]

_CHOICE = "_tacenda_stack"  # on a pipeline: the name that it was given as `stack=`
_OURS = "_tacenda_only"  # on a pipeline: whether tacenda alone knows that name
_BUILT_IN = "local"  # FlowyML's name for no stack at all
_FAILURES: ContextVar[list[Exception] | None] = ContextVar("tacenda_flowyml_failures", default=None)
_STRICT: ContextVar[bool] = ContextVar("tacenda_flowyml_strict", default=False)


def known_stack(original: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse `stack="name"` if neither FlowyML nor tacenda knows the name; FlowyML would run without a word.

    Raises:
        ConfigurationError: with the stacks that there are.
    """

    @functools.wraps(original)
    def resolve(self: Any, stack: Any = None, env: str | None = None) -> Any:
        resolved = original(self, stack, env)
        unresolved = resolved is None and isinstance(stack, str) and stack != _BUILT_IN
        if unresolved:
            from tacenda_flowyml._unknown import refuse_unknown

            refuse_unknown(stack)
        if stack is not None or env is not None:
            setattr(self, _CHOICE, stack if isinstance(stack, str) else None)
            setattr(self, _OURS, unresolved)
        return resolved

    return resolve


def on_its_stack(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have the steps of a pipeline read their secrets from the pipeline's stack."""

    @functools.wraps(original)
    def run_pipeline(self: Any, pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        with _its_stack(pipeline):
            return original(self, pipeline, *args, **kwargs)

    return run_pipeline


def _its_stack(pipeline: Any) -> AbstractContextManager[None]:
    """Return the context of a pipeline's stack; one whose secrets cannot be served fails the steps that read some."""
    from tacenda._active import use_stack
    from tacenda.errors import SecretError

    try:
        return _stack_of(pipeline)
    except SecretError as error:
        return use_stack(error)


def _stack_of(pipeline: Any) -> AbstractContextManager[None]:
    """Return the context of a pipeline's stack.

    That is the definition that it runs on, if that says where its secrets are; else tacenda's stack of its name; else
    what FlowyML's own configuration says. Only a stack that nobody chose for this pipeline leaves `TACENDA_STACK` and
    tacenda's default before it.
    """
    from tacenda._active import chosen_stack, use_stack
    from tacenda._config import find_configuration
    from tacenda_flowyml._sources import described_stack, secrets_section

    choice = getattr(pipeline, _CHOICE, None)
    if choice is not None and getattr(pipeline, _OURS, False):  # steps run on FlowyML's active stack then
        return use_stack(choice)
    live, locked = pipeline.stack, pipeline._stack_locked  # noqa: SLF001 - whether it was given to this pipeline
    definition = pipeline._stack_definition  # noqa: SLF001
    if definition is not None and (live is None or definition.name != live.name):
        definition = None  # of an earlier choice
    if definition is not None and secrets_section(definition) is not None:
        return use_stack(described_stack(definition))
    if live is None:
        return nullcontext()
    describes_itself = secrets_section(live) is not None
    if not locked and (chosen_stack() or not describes_itself):
        return use_stack(live.name, if_configured=True)
    if live.name in find_configuration().stacks:
        return use_stack(live.name, if_configured=not locked)
    if describes_itself or definition is not None or choice not in (None, _BUILT_IN):
        return use_stack(described_stack(definition or live))
    return nullcontext()  # an object such as LocalStack() says where steps run, not where secrets are


def watched_run(original: Callable[..., Any]) -> Callable[..., Any]:
    """Mask the output of a run, read secrets anew in it, and have it fail if a step failed for its secrets.

    FlowyML marks a run as a success although a step of an `If` has failed in it.

    Raises:
        SecretLeak: if the context or the inputs hold a secret: FlowyML persists both.
        SecretError: of a step, if FlowyML takes the run for a success.
    """
    signature = inspect.signature(original)

    @functools.wraps(original)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        mask_output()
        _refuse_leaks(self, given.get("inputs"), given.get("context"))
        if _FAILURES.get() is None:  # not inside a step of another pipeline
            from tacenda._process import forget

            forget()
        failures: list[Exception] = []
        strict = _STRICT.get()
        tokens = _FAILURES.set(failures), _STRICT.set(False)
        try:
            result = original(self, *args, **kwargs)
        finally:
            _FAILURES.reset(tokens[0])
            _STRICT.reset(tokens[1])
        if failures and (strict or getattr(result, "success", False)):
            raise failures[0]
        return result

    return run


def strict_sub_pipeline(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have a sub-pipeline that failed for its secrets fail its step; FlowyML would go on without its outputs."""

    @functools.wraps(original)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _STRICT.set(True)
        try:
            return original(self, *args, **kwargs)
        finally:
            _STRICT.reset(token)

    return execute


def note_failure(error: Exception) -> None:
    """Note that a step of this run has failed for its secrets."""
    failures = _FAILURES.get()
    if failures is not None:
        failures.append(error)


def _refuse_leaks(pipeline: Any, *given: Any) -> None:
    if known_masker():
        from tacenda.masking import refuse_leaks

        refuse_leaks([pipeline.context, *given], f"the context or the inputs of pipeline {pipeline.name!r}")
