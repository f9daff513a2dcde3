"""What the sources of a step resolve to, and whether each can be read: for `tacenda check --flow`. Never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.backend._stack import store_for
from metaflow_extensions.tacenda.plugins.check._later import ask_now
from metaflow_extensions.tacenda.plugins.remote._package import is_remote
from metaflow_extensions.tacenda.plugins.sources._callables import label
from metaflow_extensions.tacenda.plugins.sources._fetch import fetched_from, named_apart, names_of_stacks
from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.sources._spec import Spec, parse
from metaflow_extensions.tacenda.plugins.step._variables import settable
from tacenda import errors
from tacenda._reference import looks_like_value
from tacenda.masking import registry

__all__ = ["Reader"]

_KINDS = (
    (r"NotFound|\b404\b", errors.SecretNotFound),
    (r"AccessDenied|Forbidden|PermissionDenied|Unauthorized|\b40[13]\b", errors.AccessDenied),
    (r"[Cc]onnect|Unavailable|timed out|\b503\b", errors.BackendUnavailable),
)
"""How the clouds' SDKs, whose text Metaflow's own providers pass on, say what went wrong."""


class _Answer(NamedTuple):
    """What became of a source: what it means, from where it comes, what it holds or else why it cannot be read."""

    spec: Spec | None = None
    origin: str | None = None
    fetched: Fetched | None = None
    error: dict[str, Any] | None = None


class Reader:
    """Reads what steps declare, each source once.

    Args:
        flow: the flow, loaded.
    """

    def __init__(self, flow: Any) -> None:
        self._flow = flow
        self._known: dict[str, _Answer] = {}

    def told(self, decorator: Any, step: Any) -> dict[str, Any]:
        """Return what becomes of each source of a step's `@secrets`, and what is wrong with them together.

        Args:
            decorator: the decorator, as Metaflow attached it.
            step: the step.
        """
        role = decorator.attributes["role"]
        declared = [
            (item, ask_now(item, self._flow, step.__name__)) for item in _items(decorator.attributes["sources"])
        ]
        sources = [source for _, answer in declared for source in answer or ()]
        answers = self._answers(sources, role)
        rows = [row for item, answer in declared for row in self._rows(item, answer, role)]
        wrong = None if any(answer.error for answer in answers) else _wrong_together(answers, decorator, step)
        return {"secrets": rows, "error": wrong}

    def _rows(self, item: Any, sources: list[Any] | None, role: str | None) -> Iterator[dict[str, Any]]:
        function = f"the function {label(item)}" if callable(item) else None
        if sources is None:
            note = "decided when the step runs"
            yield {"source": function or "(a list)", "from": None, "ok": None, "note": note, "error": None}
        for source, answer in zip(sources or (), self._answers(sources or (), role), strict=True):
            yield {
                "source": _written(source),
                "from": answer.origin,
                "ok": answer.error is None,
                "note": function and f"from {function}",
                "error": answer.error,
            }

    def _answers(self, sources: Iterable[Any], role: str | None) -> list[_Answer]:
        keys = {repr((source, role)): source for source in sources}
        unknown = {key: source for key, source in keys.items() if key not in self._known}
        self._known.update(_asked(unknown, role))
        return [self._known[repr((source, role))] for source in sources]


def _items(sources: Any) -> Iterable[Any]:
    return sources if isinstance(sources, (list, tuple, set)) else [sources]


def _asked(sources: Mapping[str, Any], role: str | None) -> Iterator[tuple[str, _Answer]]:
    """Yield what becomes of sources: as in a run, all of one stack are asked for together."""
    specs: dict[str, Spec] = {}
    for key, source in sources.items():
        try:
            [specs[key]] = parse([source], role)
        except (errors.SecretError, MetaflowException) as error:
            yield key, _Answer(error=_plain(error))
    failures = [(stack, _failures(stack, names)) for stack, names in names_of_stacks(specs.values())]
    for key, spec in specs.items():
        failed = next((failed for stack, failed in failures if stack == spec.stack), {})
        yield key, _answer(spec, failed.get(spec.name))


def _failures(stack: Any, names: list[str]) -> Mapping[str, errors.SecretError]:
    try:
        store_for(stack).get_many(names)
    except errors.SecretError as error:
        return error.failures
    return {}


def _answer(spec: Spec, failure: errors.SecretError | None) -> _Answer:
    if spec.stack is None:
        origin = f"Metaflow's own provider {spec.metaflows and spec.metaflows.secrets_backend_type}"
    else:
        origin = f"stack {spec.stack.name}"
    try:
        if failure is not None:
            raise failure
        if spec.stack is None:
            return _Answer(spec, origin, fetched_from(spec, []))
        found = store_for(spec.stack)._found(spec.name)  # noqa: SLF001 - our own class; it has just been read
        fetched = fetched_from(spec, [(spec.stack, {spec.name: found.value})])
    except (errors.SecretError, MetaflowException) as error:
        return _Answer(spec, origin, error=_plain(error))
    return _Answer(spec, f"{origin}: {found.place}", fetched)


def _wrong_together(answers: Iterable[_Answer], decorator: Any, step: Any) -> dict[str, Any] | None:
    """Say why a step fails though each of its sources can be read: one secret twice, variables that clash."""
    options = decorator.attributes
    specs = [answer.spec for answer in answers if answer.spec]
    try:
        named_apart(specs)
        for stack, names in names_of_stacks(specs):  # from memory; two names may be one place
            store_for(stack).get_many(names)
        if options["env"]:
            fetched = [answer.fetched for answer in answers if answer.fetched]
            # Which variables there are on another machine is not known here.
            override = options["allow_override"] or is_remote(step)
            settable(fetched, allow_override=override, prefix=options["prefix"])
    except (errors.SecretError, MetaflowException) as error:
        return _plain(error)
    return None


def _written(source: Any) -> str:
    """Return a source as it was written, without what could be a value in it."""
    if isinstance(source, Mapping):
        parts = [f"{name}={source[name]}" for name in ("type", "id", "role") if name in source]
        return " ".join([*parts, "options=…"] if source.get("options") else parts)
    if not isinstance(source, str):
        return f"(no source: {type(source).__name__})"
    return "(not shown: it looks like a value)" if looks_like_value(source) else source


def _plain(error: Exception) -> dict[str, Any]:
    if isinstance(error, errors.SecretError):
        kind, message, tried, hint = type(error), error.message, [*error.tried], error.hint
    else:
        # An SDK's words, in Metaflow's: what it was about to read could not be read, so there is no value in them.
        message = registry().mask(str(error))
        kinds = _KINDS if message.startswith("Failed to retrieve") else ()
        kind = next((kind for pattern, kind in kinds if re.search(pattern, message)), errors.SecretError)
        tried, hint = [], None
    return {"kind": kind.__name__, "message": message, "tried": tried, "next": hint}
