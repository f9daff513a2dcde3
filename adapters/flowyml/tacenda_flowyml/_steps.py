"""A step's run: its outputs are searched before FlowyML keeps them, and its error is masked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from tacenda._adapters import known_masker, masked_text, refuse_output

__all__ = ["guarded_dynamic", "guarded_step"]


def guarded_step(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard `LocalExecutor.execute_step`: cache, checkpoint, artifact and metadata all take what it returns."""

    @functools.wraps(original)
    def execute_step(self: Any, step: Any, *args: Any, **kwargs: Any) -> Any:
        guarded = _GuardedStep(step)
        result = original(self, guarded, *args, **kwargs)
        result.error = masked_text(result.error)
        if not result.success and guarded.failure is not None:
            from tacenda_flowyml._running import note_failure

            note_failure(guarded.failure)
        return result

    return execute_step


def guarded_dynamic(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a dynamic step that returns something other than a pipeline: FlowyML takes that for its output."""

    @functools.wraps(original)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        if found.sub_pipeline is None:
            _refuse_leaks(self, found.results)
        return found

    return execute


class _GuardedStep:
    """A step whose function is guarded, and which is otherwise the step itself.

    Attributes:
        failure: the error of tacenda's that the last attempt ended with, if any.
        func: the guarded function.
        reads: how many secrets it has read.
    """

    def __init__(self, step: Any) -> None:
        from tacenda._active import Reads

        self._step = step
        self.failure: Exception | None = None
        self.reads = Reads()

        @functools.wraps(step.func)
        def func(*args: Any, **kwargs: Any) -> Any:
            return self._call(*args, **kwargs)

        self.func = func

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    @property
    def cache(self) -> Any:
        """The step's setting; False after it has read a secret, or after one was read meanwhile in a thread of its own.

        The key of FlowyML's cache knows nothing of secrets and stacks: from the cache a step on `prod` would have what
        it made on `dev`, and a rotated secret would never be read.
        """
        return False if self.reads.count else self._step.cache

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        from tacenda._active import READS, UNWATCHED
        from tacenda.errors import SecretError, SecretLeak

        if isinstance(self.failure, SecretLeak):
            raise self.failure  # tried again it would do the same work, and leak again
        self.failure = None
        token, before = READS.set(self.reads), UNWATCHED.count
        try:
            output = self._step.func(*args, **kwargs)
            _refuse_leaks(self._step, output)
        except SecretError as error:
            self.failure = error
            raise
        finally:
            READS.reset(token)
            self.reads.count += UNWATCHED.count - before
        return output


def _refuse_leaks(step: Any, output: Any) -> None:
    if output is not None and known_masker():
        for name, value in _outputs(step, output):
            refuse_output(value, name, f"output {name!r} of step {step.name!r}", step.func)


def _outputs(step: Any, output: Any) -> Iterator[tuple[str, Any]]:
    """Yield each output by the name under which FlowyML keeps it."""
    names = step.outputs
    if len(names) == 1:
        yield names[0], output
    elif isinstance(output, (list, tuple)) and len(output) == len(names):
        yield from zip(names, output, strict=True)
    elif isinstance(output, dict):
        for name, value in output.items():
            yield str(name), {name: value}  # a key may be a secret too
    else:
        yield names[0] if names else step.name, output
