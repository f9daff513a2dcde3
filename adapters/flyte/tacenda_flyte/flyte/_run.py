"""Running a task: what it declares is there meanwhile, what it returns is searched, what it raises is masked."""

from __future__ import annotations

import copy
import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tacenda._adapters import mask_output, masked_error
from tacenda.errors import BackendUnavailable, SecretError, Throttled
from tacenda_flyte._sharing import SHARED, Place
from tacenda_flyte.flyte._outputs import refuse_leaking_outputs
from tacenda_flyte.flyte._trace import running

__all__ = ["run_task"]


async def run_task(
    original: Callable[..., Awaitable[tuple[Any, Any]]],
    tctx: Any,
    controller: Any,
    task: Any,
    inputs: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Run a task with its secrets, inside upstream's own way of running it, failing and reporting.

    Args:
        original: upstream's function.
        tctx: passed on, as the other two are.
        controller: passed on.
        task: the task.
        inputs: passed on.

    Returns:
        Outputs and error, as the original: the error masked.
    """
    mask_output()
    guarded = copy.copy(task)
    guarded.execute = functools.partial(_execute, task)
    with SHARED.task(), running(task):
        outputs, error = await original(tctx=tctx, controller=controller, task=guarded, inputs=inputs)
    return outputs, masked_error(error)


async def _execute(task: Any, /, *arguments: Any, **inputs: Any) -> Any:
    with ExitStack() as stack:
        with _worth_no_retry():
            stack.enter_context(SHARED.hold(await _wanted_by(task)))
        outputs = await task.execute(*arguments, **inputs)
    with _worth_no_retry():
        await refuse_leaking_outputs(task, outputs)
    return outputs


async def _wanted_by(task: Any) -> Sequence[Place]:
    if not getattr(task, "secrets", None):
        return ()
    from tacenda_flyte.flyte._resolve import wanted_by

    return await wanted_by(task)


@contextmanager
def _worth_no_retry() -> Iterator[None]:
    """Turn errors that the next attempt would meet again into flyte's, with the name of ours as their code."""
    try:
        yield
    except (BackendUnavailable, Throttled):
        raise
    except SecretError as error:
        from flyte.errors import NonRecoverableError

        raise NonRecoverableError(str(error), type(error).__name__) from None
