"""Where flytekit itself looks for a secret: environment variables, then a file, both put there by the platform."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tacenda._naming import CONVENTIONS, refuse_shared
from tacenda_flyte._environment import set_by_others
from tacenda_flyte._values import register_given
from tacenda_flyte.flytekit._mounts import MOUNTS
from tacenda_flyte.flytekit._wanted import Wanted, declared_secrets

__all__ = ["Platform", "is_local", "note"]

_SETTINGS = ("FLYTE_SECRETS_ENV_PREFIX", "FLYTE_SECRETS_DEFAULT_DIR", "FLYTE_SECRETS_FILE_PREFIX")
"""Variables that configure flytekit; with the documented prefix they look like the group `env`, key `prefix`."""


class Platform:
    """The platform's secrets as one `SecretsManager` sees them, and none that tacenda has put there itself.

    Args:
        upstream: flytekit's own `SecretsManager.get`.
        manager: the instance.
    """

    def __init__(self, upstream: Callable[..., Any], manager: Any) -> None:
        self._upstream = upstream
        self._manager = manager
        self.said = ""
        """The message of flytekit's own error, once `read` has found nothing."""

    def read(self, wanted: Wanted, mode: str) -> Any:
        """Return what the platform has, stripped as flytekit does it and told to the masker; None if nothing.

        Raises:
            UnicodeDecodeError: for a binary file that is read as text, as upstream.
            OSError: for a file that cannot be read, as upstream.
        """
        value = self._from_variable(wanted)
        if value is None:
            value = self._upstreams(wanted, mode)
        if value is None:
            return None
        note(wanted, value)
        return os.fsencode(value) if "b" in mode and isinstance(value, str) else value

    def places(self, wanted: Wanted) -> list[str]:
        """Return where it looks, in order, for messages."""
        variables = self._prefixed(wanted) + ([_unprefixed(wanted)] if is_local() else [])
        return [f"environment: {', '.join(variables)}", f"file: {self._path(wanted)}"]

    def variable(self, wanted: Wanted) -> str:
        """Return the variable in which the platform injects a secret."""
        return str(self._manager.get_secrets_env_var(wanted.group, wanted.key, wanted.version))

    def file(self, wanted: Wanted) -> str | None:
        """Return the file that the platform has mounted; None if there is none."""
        path = self._path(wanted)
        return path if os.path.exists(path) and path not in MOUNTS.values() else None

    def _from_variable(self, wanted: Wanted) -> str | None:
        for name in self._prefixed(wanted):
            value = set_by_others(name)
            if value is not None:
                return value.strip()
        return None

    def _prefixed(self, wanted: Wanted) -> list[str]:
        documented = CONVENTIONS["flytekit_documented"].spell(wanted.parts)
        if documented in os.environ:
            _refuse_ambiguous(documented, wanted)
        names = [self.variable(wanted), CONVENTIONS["flytekit"].spell(wanted.parts), documented]
        return [name for name in dict.fromkeys(names) if name not in _SETTINGS]

    def _upstreams(self, wanted: Wanted, mode: str) -> Any:
        self.said = f"Unable to find secret for key {wanted.key} in group {wanted.group}"
        names = (self.variable(wanted), _unprefixed(wanted))
        if any(name in _SETTINGS or _is_tacendas(name) for name in names):  # upstream would take it for this secret
            return None if self.file(wanted) is None else _read(self._path(wanted), mode)
        if wanted in MOUNTS and self.file(wanted) is None and set_by_others(names[1]) is None:
            return None  # upstream would read tacenda's own file, and strip it
        try:
            return self._upstream(self._manager, *wanted, mode)
        except UnicodeDecodeError:  # a ValueError, too
            raise
        except ValueError as error:
            if os.path.exists(self._path(wanted)):
                raise
            self.said = str(error)
            return None

    def _path(self, wanted: Wanted) -> str:
        return str(self._manager.get_secrets_file(wanted.group, wanted.key, wanted.version))


def is_local() -> bool:
    """Return whether flytekit takes this for a local run, in which it also reads variables without a prefix."""
    from flytekit.core.context_manager import FlyteContextManager

    state = FlyteContextManager.current_context().execution_state
    return state is None or bool(state.is_local_execution())


def note(wanted: Wanted, value: str | bytes) -> None:
    """Tell the masker a value of the platform's."""
    if wanted.group and wanted.key:
        register_given(value, wanted.group, wanted.key)
    else:
        register_given(value, wanted.label)


def _unprefixed(wanted: Wanted) -> str:
    return "_".join(wanted.parts).upper()


def _is_tacendas(variable: str) -> bool:
    return variable in os.environ and set_by_others(variable) is None


def _read(path: str, mode: str) -> Any:
    with open(path, mode) as file:
        return file.read().strip()


def _refuse_ambiguous(variable: str, wanted: Wanted) -> None:
    # The documented spelling cannot tell my-keys from my_keys.
    spell = CONVENTIONS["flytekit_documented"].spell
    every = {wanted, *map(Wanted.of, declared_secrets())}
    same = sorted(each.label for each in every if each.parts and spell(each.parts) == variable)
    refuse_shared({variable: same}, "the documented prefix")
