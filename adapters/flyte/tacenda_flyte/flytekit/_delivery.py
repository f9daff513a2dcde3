"""What a declared secret means besides `SecretsManager.get`: a variable, a file, both, or nothing.

| declared | variable | file |
|---|---|---|
| `ENV_VAR` | `_FSEC_GROUP_KEY`, and `env_var` if given | - |
| `FILE` | `env_var`, if given: the path | what `get_secrets_file` says |
| `ANY` | `env_var`, if given: the value | - |

That is what the default Kubernetes injector does on a cluster, but for `ANY`, which there is a file:
`TACENDA_FLYTEKIT_ANY=file`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any

from tacenda._values import Secret, SecretBytes
from tacenda.errors import SecretNotFound
from tacenda_flyte._environment import put_variable, set_by_others
from tacenda_flyte._sharing import SHARED, Place
from tacenda_flyte._values import variable_text
from tacenda_flyte.flytekit._mounts import MOUNTS, put_mount
from tacenda_flyte.flytekit._platform import Platform, note
from tacenda_flyte.flytekit._settings import any_is_file
from tacenda_flyte.flytekit._stack import from_stack, stack_name
from tacenda_flyte.flytekit._wanted import Wanted

__all__ = ["delivered"]

_AS_A_FILE = "declare it with mount_requirement=Secret.MountType.FILE"


def delivered(task: str, secrets: Iterable[Any], context: Any) -> AbstractContextManager[None]:
    """Return what holds the variables and files of a task's secrets while it is entered; the platform's own stay.

    A secret that nobody has is not delivered, as on a cluster: a warning says so, and `SecretsManager.get` raises.

    Args:
        task: the task's name.
        secrets: what it declares.
        context: flytekit's context.

    Raises:
        Conflict: on entry, if another running task has a variable for another secret.
        SecretError: a secret could not be asked for.
    """
    platform = _platform(context)
    return SHARED.hold([place for secret in secrets for place in _Delivery(task, secret, platform).places()])


class _Delivery:
    """One declared secret."""

    def __init__(self, task: str, secret: Any, platform: Platform) -> None:
        self._task = task
        self._secret = Wanted.of(secret)
        self._platform = platform
        self._variable: str | None = secret.env_var
        kind = secret.mount_requirement.name
        self._kind = "FILE" if kind == "ANY" and any_is_file() else kind
        self._stack: str | None = None
        """The stack that gave the value: of the same name, another one has another."""

    def places(self) -> Iterator[Place]:
        """Yield what has to be put there."""
        given = self._given()
        if self._kind == "FILE":
            yield from self._file(given)
        else:
            yield from self._variables(given)

    def _file(self, given: bytes | None) -> Iterator[Place]:
        path = self._platform.file(self._secret)
        if path is None:
            content = self._content(given)
            if content is None:
                return
            yield self._place(f"the file of {self._secret.label!r}", partial(put_mount, self._secret, content))
        if self._variable and self._is_unset(self._variable):
            # The path is known when the file is there, which is put first.
            yield self._place(
                f"variable {self._variable}",
                lambda: put_variable(str(self._variable), path or MOUNTS[self._secret]),
            )

    def _variables(self, given: bytes | None) -> Iterator[Place]:
        names = [self._platform.variable(self._secret)] if self._kind == "ENV_VAR" else []
        unset = [name for name in (*names, self._variable) if name and self._is_unset(name)]
        content = self._content(given) if unset else None
        if content is not None:
            for name in unset:
                text = variable_text(content, repr(self._secret.label), name, _AS_A_FILE)
                yield self._place(f"variable {name}", partial(put_variable, name, text))

    def _place(self, name: str, put: Callable[[], Callable[[], None]]) -> Place:
        what = f"{self._secret.label!r}{' as a file' if self._kind == 'FILE' else ''}"
        return Place(name, what, (self._stack, what), put)

    def _given(self) -> bytes | None:
        """Return what the platform has, which is told to the masker thereby: the task may read it by itself."""
        with suppress(OSError):  # the task hears of it if it asks
            found: bytes | None = self._platform.read(self._secret, "rb")
            return found
        return None

    def _is_unset(self, variable: str) -> bool:
        theirs = set_by_others(variable)
        if theirs is not None and self._kind != "FILE":
            note(self._secret, theirs)
        return theirs is None

    def _content(self, given: bytes | None) -> bytes | None:
        """Return the exact value in bytes; None if nobody has it."""
        if given is not None:
            return given
        try:
            value: Secret | SecretBytes = from_stack(self._secret)
        except SecretNotFound as miss:
            logging.getLogger("tacenda").warning(
                "task %r declares the secret %r, which nobody has, so it gets no variable or file: %s",
                self._task,
                self._secret.label,
                miss,
            )
            return None
        self._stack = stack_name()
        return bytes(value) if isinstance(value, SecretBytes) else str(value).encode()


def _platform(context: Any) -> Platform:
    from flytekit.core.context_manager import SecretsManager

    manager = context.user_space_params.secrets if context.user_space_params else SecretsManager()
    get = type(manager).get
    return Platform(getattr(get, "__wrapped__", get), manager)
