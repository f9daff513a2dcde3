"""The guard: a task saves no artifact that holds a secret, and if one does, nothing of the task is saved."""

from __future__ import annotations

import functools
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from metaflow.exception import MetaflowException

from tacenda._adapters import known_masker, masked_copy

__all__ = ["guarded_artifacts", "masked_foreach_value", "noted_step"]

_STEP = "_tacenda_step"
_DESCRIPTION = "_graph_info"
"""What Metaflow stores of a flow: docstrings, and decorators as they are written, such as `@environment(vars=...)`."""
_NEVER_REFUSED = frozenset({"_foreach_stack", _DESCRIPTION})
"""Metaflow's own artifacts that repeat what earlier steps have stored, or the source code: nobody can change those."""


class ArtifactLeak(MetaflowException):
    """An artifact holds a secret."""

    headline = "SecretLeak"


class _Leak(NamedTuple):
    artifact: str
    why: str
    """As it follows the artifact's name in a sentence."""


def noted_step(persist: Callable[..., None]) -> Callable[..., None]:
    """Return `TaskDataStore.persist`, which notes whose artifacts are saved: a step may allow some."""

    @functools.wraps(persist)
    def persist_of_step(self: Any, flow: Any) -> None:
        setattr(self, _STEP, getattr(type(flow), self.step_name, None))
        try:
            return persist(self, flow)
        except ArtifactLeak as leak:
            problem = leak
        raise problem.with_traceback(None)  # the frames hold the value

    return persist_of_step


def guarded_artifacts(save_artifacts: Callable[..., None]) -> Callable[..., None]:
    """Return `TaskDataStore.save_artifacts`, which looks at all of them before it saves the first one.

    They are then handed on one by one and dropped, as Metaflow does, so that no more memory is needed than without.
    """

    @functools.wraps(save_artifacts)
    def save(self: Any, artifacts_iter: Iterable[tuple[str, Any]], len_hint: int = 0) -> None:
        if known_masker() is not None:
            artifacts = [_described(*artifact) for artifact in artifacts_iter]
            if leaks := _leaks(self, artifacts):
                _report_failure()
                raise ArtifactLeak(_message(self, leaks))
            artifacts_iter = _handed_on(artifacts, getattr(self, _STEP, None))
        save_artifacts(self, artifacts_iter, len_hint)

    return save


def masked_foreach_value(original: Callable[..., str]) -> Callable[..., str]:
    """Return `FlowSpec._get_foreach_item_value`, of whose result Metaflow makes an artifact and a task's metadata."""

    @functools.wraps(original)
    def value_of_item(self: Any, item: Any) -> str:
        return original(self, masked_copy(item))

    return value_of_item


def _described(name: str, value: Any) -> tuple[str, Any]:
    return name, masked_copy(value) if name == _DESCRIPTION else value


def _handed_on(artifacts: list[tuple[str, Any]], step: Any) -> Iterator[tuple[str, Any]]:
    from tacenda import Secret, SecretBundle, SecretBytes, reveal

    artifacts.reverse()
    while artifacts:
        name, value = artifacts.pop()
        if isinstance(value, (Secret, SecretBundle, SecretBytes)) and _is_allowed(step, name):
            value = reveal(value)  # these refuse to be pickled
        yield name, value


def _leaks(datastore: Any, artifacts: Iterable[tuple[str, Any]]) -> list[_Leak]:
    step = getattr(datastore, _STEP, None)
    return [
        _Leak(name, why)
        for name, value in artifacts
        if name not in _NEVER_REFUSED
        and (why := _why_refused(value))
        and not _is_allowed(step, name)
        and not _is_stored_already(datastore, name, value)
    ]


def _why_refused(value: Any) -> str | None:
    from tacenda.masking import find_leaks

    try:
        names = find_leaks(value)
    except Exception as problem:  # noqa: BLE001 - nested too deeply for the search, or an error of the value's own code
        try:
            names = find_leaks(pickle.dumps(value))
        except Exception:  # noqa: BLE001 - as above, and Metaflow would meet it as well
            return f"cannot be searched for secrets: {getattr(problem, 'message', type(problem).__name__)}"
    return f"holds the value of {', '.join(map(repr, names))}" if names else None


def _is_allowed(step: Any, name: str) -> bool:
    from tacenda.masking._guard import leak_allowed

    declared = [each.attributes.get("allow_leak") for each in getattr(step, "decorators", ()) if each.name == "secrets"]
    return leak_allowed(step, name) or any(
        name in ([names] if isinstance(names, str) else names or ()) for names in declared
    )


def _is_stored_already(datastore: Any, name: str, value: Any) -> bool:
    """Return whether a step that was allowed to has stored this very value: who reads `self.x` saves it again."""
    try:
        return name in datastore and pickle.dumps(datastore[name]) == pickle.dumps(value)
    except Exception:  # noqa: BLE001 - it cannot be told
        return False


def _report_failure() -> None:
    """Print what the step itself failed with: Metaflow prints the last exception only."""
    if sys.exc_info()[1] is not None:
        print(traceback.format_exc(), file=sys.stderr)  # noqa: T201


def _message(datastore: Any, leaks: Iterable[_Leak]) -> str:
    where = f"step {datastore.step_name!r}"
    if datastore.step_name == "_parameters":
        where = "the flow (a parameter, a configuration or an attribute of its class)"
    leaks = sorted(leaks)
    names = [leak.artifact for leak in leaks]
    allow = f"@secrets(..., allow_leak={names!r}), or below @step @tacenda.masking.allow_leak({str(names)[1:-1]})"
    return "\n".join(
        [
            *(f"artifact {leak.artifact!r} of {where} {leak.why}" for leak in leaks),
            "Nothing of this task is saved.",
            "  next: save the secret's name instead of its value, and read the secret again where it is needed",
            f"  or allow it, if the value shall be stored: {allow}",
        ]
    )
