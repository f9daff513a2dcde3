"""Several reads at once: a few threads, made when first needed, and one result or one error for all of them."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from tacenda._chain import AT_ONCE
from tacenda._errors import SecretError, worst
from tacenda._naming import refuse_shared
from tacenda._reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from tacenda._cache import Cached

__all__ = ["Threads", "told_apart"]

T = TypeVar("T")


class Threads:
    """At most 16 threads, each call in a copy of its caller's context."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the threads: a forked child has none of its parent's."""
        self._lock = threading.Lock()
        self._executor: Executor | None = None

    def close(self) -> None:
        """Let the threads end; a later call makes new ones."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def outcomes(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Return what each call returned or the exception it raised, in order."""
        if len(calls) <= 1:
            return [_outcome(call) for call in calls]
        return [_outcome(future.result) for future in [self._submit(call) for call in calls]]

    def run_all(self, calls: Sequence[Callable[[], Any]]) -> None:
        """Run calls side by side, the only one where it is asked for.

        Raises:
            Exception: the first that a call raised, once all have ended.
        """
        for outcome in self.outcomes(calls):
            if isinstance(outcome, Exception):
                raise outcome

    async def run(self, call: Callable[[], T]) -> T:
        """Return what a call returns, without blocking the event loop."""
        import asyncio

        return await asyncio.wrap_future(self._submit(call))

    def _submit(self, call: Callable[[], T]) -> Any:
        with self._lock:
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor

                self._executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tacenda")
            return self._executor.submit(copy_context().run, call)


def told_apart(names: Sequence[str], outcomes: Iterable[Any]) -> dict[str, Any]:
    """Return each name with its value.

    Args:
        names: the names that were asked for.
        outcomes: what was found for each, or the exception.

    Raises:
        SecretError: the worst kind among the outcomes; its `failures` has every failed name with its own error.
        Conflict: if two names turned out to be one place, such as `my-key` and `my_key` one variable.
    """
    found = _gathered(names, outcomes)
    places: dict[str, list[str]] = {}
    for name, answer in found.items():
        if parse_reference(name) is None:  # a reference and a name may well mean the same
            places.setdefault(answer.place, []).append(name)
    refuse_shared(places, "the stack")
    return {name: answer.value for name, answer in found.items()}


def _gathered(names: Sequence[str], outcomes: Iterable[Any]) -> dict[str, Cached]:
    results = dict(zip(names, outcomes, strict=True))
    failures = {name: result for name, result in results.items() if isinstance(result, SecretError)}
    for result in results.values():
        if isinstance(result, BaseException) and not isinstance(result, SecretError):
            raise result
    if failures:
        error = worst(list(failures.values()))
        listed = "; ".join(f"{name}: {failure.message}" for name, failure in failures.items())
        raise type(error)(
            f"{len(failures)} of {len(names)} secrets could not be read: {listed}", hint=error.hint, failures=failures
        )
    return results


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - returned, and raised by `told_apart`
        return error
