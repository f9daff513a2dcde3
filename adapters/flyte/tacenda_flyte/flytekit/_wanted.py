"""Which secret is meant: what was asked for, read as one of those that the running task declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["Wanted", "declared_as", "declared_secrets", "declaring", "is_declared_file"]

_DECLARED: ContextVar[tuple[Any, ...] | None] = ContextVar("tacenda_flytekit_declared", default=None)
_RUNNING: list[tuple[Any, ...]] = []


class Wanted(NamedTuple):
    """A secret by its parts, as flytekit's `Secret` has them."""

    group: str | None = None
    key: str | None = None
    version: str | None = None

    @classmethod
    def of(cls, secret: Any) -> Wanted:
        """Return the parts of flytekit's `Secret`; an empty part is none, as it is on the wire."""
        return cls(secret.group or None, secret.key or None, secret.group_version or None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that there are, in flytekit's order."""
        return tuple(part for part in (self.group, self.version, self.key) if part)

    @property
    def label(self) -> str:
        """What a person calls it; also what masking calls it."""
        name = "#".join(part for part in (self.group, self.key) if part)
        return f"{name} (version {self.version})" if self.version else name


@contextmanager
def declaring(secrets: tuple[Any, ...]) -> Iterator[None]:
    """Let secrets be those that the running task declares, in this context and all that it starts."""
    token = _DECLARED.set(secrets)
    _RUNNING.append(secrets)
    try:
        yield
    finally:
        _RUNNING.remove(secrets)
        _DECLARED.reset(token)


def declared_secrets() -> Iterable[Any]:
    """Return what the running task declares. In a thread of the user's own, which no context reaches: what any does."""
    declared = _DECLARED.get()
    return [secret for secrets in _RUNNING for secret in secrets] if declared is None else declared


def declared_as(wanted: Wanted) -> Wanted:
    """Return what was asked for as the running task declares it; as it is if the task does not.

    The same group and key come first, then those with `_` for `-` and `.`, because attributes cannot be spelled
    otherwise. What is declared with a version is meant in that version.

    Raises:
        Conflict: if two declared secrets answer.
    """
    declared = [Wanted.of(secret) for secret in declared_secrets()]
    if not declared:
        return wanted
    found = _matches(wanted, declared, str) or _matches(wanted, declared, _folded)
    if len(found) > 1:
        from tacenda._naming import refuse_shared

        refuse_shared({f"what {wanted.label!r} can mean": [each.label for each in found]}, "flytekit")
    return found[0] if found else wanted


def is_declared_file(wanted: Wanted) -> bool:
    """Return whether the running task declares a secret with `MountType.FILE`."""
    meant = declared_as(wanted)
    return any(secret.mount_requirement.name == "FILE" and Wanted.of(secret) == meant for secret in declared_secrets())


def _matches(wanted: Wanted, declared: list[Wanted], spelled: Any) -> list[Wanted]:
    def same(asked: str | None, theirs: str | None) -> bool:
        return asked == theirs if asked is None or theirs is None else spelled(asked) == spelled(theirs)

    found: dict[Wanted, None] = {}
    for each in declared:
        whole_group = each.key is None and wanted.key is not None  # declared without a key: every key of it
        versions = wanted.version is None or each.version in (None, wanted.version)
        if versions and same(wanted.group, each.group) and (whole_group or same(wanted.key, each.key)):
            found[Wanted(each.group, each.key or wanted.key, wanted.version or each.version)] = None
    return list(found)


def _folded(part: str) -> str:
    return part.lower().replace("-", "_").replace(".", "_")
