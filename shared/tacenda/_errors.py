"""Every error that tacenda raises.

::

    SecretError
    ├── SecretNotFound       (KeyError)              nobody has it; lists each place that was asked
    ├── AccessDenied                                 the backend answered: not for you
    ├── BackendUnavailable                           the backend could not be asked
    ├── Throttled                                    the backend asked to be left alone for a while
    ├── Conflict                                     somebody else wrote first, or it exists already
    ├── Unsupported          (NotImplementedError)   this backend cannot do that
    ├── InvalidReference     (ValueError)            a name or reference that cannot mean anything
    ├── ConfigurationError   (ValueError)            tacenda.yaml, a setting or a variable is wrong
    ├── MissingDependency    (ImportError)           an extra is not installed
    └── SecretLeak                                   a guard fired: a value was about to get out

A message says what was asked, where it was looked for, why that failed and what to do next. It never
holds a value, and every error survives pickling, because orchestrators send errors between processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "AccessDenied",
    "BackendUnavailable",
    "ConfigurationError",
    "Conflict",
    "InvalidReference",
    "MissingDependency",
    "SecretError",
    "SecretLeak",
    "SecretNotFound",
    "Throttled",
    "Unsupported",
    "worst",
]


class SecretError(Exception):
    """The base of every tacenda error.

    Args:
        message: one sentence: what was asked for and why it failed.
        name: the secret's name or reference, if the error is about one.
        tried: each place that was looked at, in order, as a person would name it.
        hint: what to do next; often the backend's own checking command.
        retry_for: how long the same call is worth repeating, in seconds; 0 means not at all.
        retry_after: the wait that the backend itself asked for, in seconds.
        failures: for a call about several secrets, each failed name and its own error.

    Example:
        >>> print(SecretError("cannot read 'db'", tried=["vault: secret/db"], hint="run `tacenda check`"))
        cannot read 'db'
          tried: vault: secret/db
          next: run `tacenda check`
    """

    def __init__(
        self,
        message: str,
        *,
        name: str | None = None,
        tried: Sequence[str] = (),
        hint: str | None = None,
        retry_for: float = 0.0,
        retry_after: float | None = None,
        failures: Mapping[str, SecretError] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.tried = tuple(tried)
        self.hint = hint
        self.retry_for = retry_for
        self.retry_after = retry_after
        self.failures: dict[str, SecretError] = dict(failures or {})

    def __str__(self) -> str:
        lines = [self.message, *(f"  tried: {place}" for place in self.tried)]
        if self.hint:
            lines.append(f"  next: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # ImportError keeps `name` outside __dict__, so it is named.
        return _rebuild, (type(self), self.message, {**self.__dict__, "name": self.name})


class SecretNotFound(SecretError, KeyError):
    """No provider of the stack has the secret, or the secret has no such key. Never "could not ask"."""

    __str__ = SecretError.__str__  # KeyError would print a repr


class AccessDenied(SecretError):
    """The backend answered that this identity may not do that."""


class BackendUnavailable(SecretError):
    """The backend could not be asked: down, unreachable, sealed, or its file unreadable."""


class Throttled(SecretError):
    """The backend refused because of too many requests, for longer than the deadline."""


class Conflict(SecretError):
    """A write met another writer, or `create=True` met a secret that exists."""


class Unsupported(SecretError, NotImplementedError):
    """This backend cannot do that; its `Capabilities` say so beforehand."""


class InvalidReference(SecretError, ValueError):
    """A name or reference that cannot mean anything, or is illegal in that backend."""


class ConfigurationError(SecretError, ValueError):
    """A configuration file, setting or environment variable is wrong; the message names the place."""


class MissingDependency(SecretError, ImportError):
    """An optional package is not installed; the message names the extra."""


class SecretLeak(SecretError):
    """A guard fired: a value was about to be pickled, persisted or printed where it must not be."""


_SEVERITY: tuple[type[SecretError], ...] = (
    ConfigurationError,
    MissingDependency,
    InvalidReference,
    Unsupported,
    BackendUnavailable,
    Throttled,
    AccessDenied,
    Conflict,
    SecretNotFound,
)


def worst(errors: Sequence[SecretError]) -> SecretError:
    """Return the error that matters most of several: broken before denied, denied before missing."""
    for kind in _SEVERITY:
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[0]


def _rebuild(kind: type[SecretError], message: str, state: dict[str, Any]) -> SecretError:
    error = kind(message)
    for attribute, value in state.items():
        setattr(error, attribute, value)
    return error
