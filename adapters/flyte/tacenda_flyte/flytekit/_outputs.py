"""Outputs are searched for secret values before flytekit stores them: on a cluster, in its local cache, in files."""

from __future__ import annotations

import operator
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tacenda._adapters import refuse_output
from tacenda._values import Secret, SecretBundle, SecretBytes, reveal
from tacenda.errors import SecretLeak
from tacenda.masking import registry
from tacenda.masking._guard import leak_allowed
from tacenda_flyte.flytekit._files import files_of
from tacenda_flyte.flytekit._task import RUN

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_converted", "checked"]


def checked(task: Any, outputs: Any) -> Any:
    """Return a task's outputs, still the Python objects that it gave back, once they are searched.

    An output that `allow_leak` exempts is what is wanted in clear, so a `Secret` in it becomes the `str` that flytekit
    demands: on a cluster, where the platform injects the secret, it is one already.

    Raises:
        SecretLeak: naming output and task.
    """
    if run := RUN.get():
        run.searched = True
    names = list(task._outputs_interface)  # noqa: SLF001 - what upstream names them by
    given = list(outputs) if len(names) > 1 else [outputs]
    values = [_checked(value, name, task) for name, value in zip(names, given, strict=False)]
    if all(map(operator.is_, values, given)):
        return outputs
    return tuple(values) if len(names) > 1 else values[0]


def check_converted(task: Any, outcome: Any) -> None:
    """Search what a task gives back in flytekit's own form: outputs, or a dynamic task's workflow.

    Raises:
        SecretLeak: naming output and task; on a cluster as the cause of flytekit's error for what is not to be retried.
    """
    if not len(registry()) or not hasattr(outcome, "to_flyte_idl"):
        return
    literals = getattr(outcome, "literals", None)
    parts = literals if isinstance(literals, Mapping) else {"the workflow": outcome}
    try:
        for name, part in parts.items():
            _refuse(part.to_flyte_idl().SerializeToString(), name, task)
    except SecretLeak as leak:
        from flytekit.core.context_manager import ExecutionState, FlyteContextManager

        state = FlyteContextManager.current_context().execution_state
        if state is None or state.mode != ExecutionState.Mode.TASK_EXECUTION:
            raise
        from flytekit.exceptions.system import FlyteNonRecoverableSystemException

        raise FlyteNonRecoverableSystemException(leak) from leak


def _checked(value: Any, name: str, task: Any) -> Any:
    if _is_lazy(value, task.get_type_for_output_var(name, value)):
        return _searched(value, name, task)
    if not len(registry()):
        return value
    if leak_allowed(_function(task), name):
        return reveal(value) if isinstance(value, (Secret, SecretBytes, SecretBundle)) else value
    _refuse(value, name, task, files_of(task, name, value))
    return value


def _is_lazy(value: Any, declared: Any) -> bool:
    return isinstance(value, Iterator) and typing.get_origin(declared) is Iterator


def _searched(items: Iterator[Any], name: str, task: Any) -> Iterator[Any]:
    """Search what is there only when flytekit takes it; the secret may be read only then, too."""
    for item in items:
        _refuse(item, name, task)
        yield item


def _refuse(value: Any, name: str, task: Any, paths: Iterable[Path] = ()) -> None:
    refuse_output(value, name, f"output {name!r} of task {task.name!r}", _function(task), paths)


def _function(task: Any) -> Any:
    inner = getattr(task, "python_function_task", task)  # of a map task
    return getattr(inner, "task_function", None)
