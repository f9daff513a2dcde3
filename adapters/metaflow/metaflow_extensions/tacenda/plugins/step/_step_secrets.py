"""What `current.secrets` is: each source of a step, by the name it was declared with or its short one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.sources._names import short_names
from tacenda import SecretBundle
from tacenda.errors import Conflict, SecretNotFound

__all__ = ["StepSecrets"]


class StepSecrets(SecretBundle):
    """A read-only `dict` of secrets whose keys are the sources as they were written.

    It answers to a source's short names as well (see `short_names`), by item, `in`, `get` and, with `-` and `.` as
    `_`, by attribute, where a dict has none of that name. What one source is written as goes before what another one
    is called.

    Raises:
        SecretNotFound: for a name of no source (a `KeyError`), naming the sources.
        Conflict: for a short name of two sources, naming both.
        AttributeError: in both cases, for an attribute.
    """

    __slots__ = ("_called",)
    _called: dict[str, list[str]]

    def __init__(self, fetched: Sequence[Fetched]) -> None:
        super().__init__({secret.source: secret.value for secret in fetched}, "current.secrets")
        called: dict[str, list[str]] = {}
        for secret in fetched:
            for name in short_names(secret.called or secret.source):
                called.setdefault(name, []).append(secret.source)
        object.__setattr__(self, "_called", called)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._called

    def __missing__(self, name: object) -> Any:
        sources = self._called.get(name, []) if isinstance(name, str) else []
        if len(sources) == 1:
            return self[sources[0]]
        if sources:
            raise Conflict(self._several(f"[{name!r}]", sources), hint=_as_written(sources))
        raise SecretNotFound(f"@secrets of this step has no source {name!r}", hint=self._all())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the secret of a source, or the default where the step has no such source."""
        return self[name] if name in self else default  # noqa: SIM401 - this is that `get`

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        sources = self._meant_by(attribute)
        if len(sources) == 1:
            return self[sources[0]]
        if sources:
            raise AttributeError(f"{self._several(f'.{attribute}', sources)}\n  next: {_as_written(sources)}")
        raise AttributeError(f"@secrets of this step has no source {attribute!r}\n  next: {self._all()}")

    def __repr__(self) -> str:
        return f"<current.secrets [masked] sources={list(self)}>"

    def _meant_by(self, attribute: str) -> list[str]:
        written = [source for source in self if source == attribute]
        written = written or [source for source in self if _attribute(source) == attribute]
        called = [sources for name, sources in self._called.items() if _attribute(name) == attribute]
        return written or list(dict.fromkeys(source for sources in called for source in sources))

    def _several(self, asked: str, sources: Sequence[str]) -> str:
        return f"current.secrets{asked} could be {' or '.join(map(repr, sources))}"

    def _all(self) -> str:
        return f"its sources are: {', '.join(map(repr, self)) or 'none'}"


def _attribute(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def _as_written(sources: Sequence[str]) -> str:
    return f"write the source as in @secrets: {' or '.join(f'current.secrets[{source!r}]' for source in sources)}"
