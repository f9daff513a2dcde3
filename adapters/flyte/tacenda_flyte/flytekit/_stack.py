"""A secret from tacenda's stack, in the form that flytekit asks for."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from tacenda._active import chosen_stack
from tacenda._config import TACENDA_CONFIG, find_configuration, working_directory
from tacenda._process import process_store
from tacenda._store import open_store
from tacenda._values import Secret, SecretBytes, exact_text
from tacenda.errors import Unsupported
from tacenda_flyte.flytekit._errors import never_a_value_error
from tacenda_flyte.flytekit._platform import is_local

if TYPE_CHECKING:
    from pathlib import Path

    from tacenda._store import SecretStore
    from tacenda_flyte.flytekit._wanted import Wanted

__all__ = ["as_asked", "from_stack", "stack_name"]


def from_stack(wanted: Wanted) -> Secret | SecretBytes:
    """Return a secret of the active stack exactly as it is kept: group and key, a key alone, or the text of a group.

    Raises:
        SecretNotFound: nobody has it.
        SecretError: it could not be asked for; never a ValueError, which would say that it is missing.
    """
    name, key = (wanted.group, wanted.key) if wanted.group and wanted.key else (wanted.group or wanted.key, None)
    with never_a_value_error():
        value: Any = _store().get(name or "", key, version=wanted.version)
        return value if isinstance(value, SecretBytes) else exact_text(value)


def as_asked(value: Secret | SecretBytes, mode: str, label: str) -> Secret | SecretBytes:
    """Return a value as `SecretsManager.get` gives it: stripped text, or with mode `rb` the exact bytes.

    Raises:
        Unsupported: if it is binary and asked for as text.
    """
    if "b" in mode:
        return value if isinstance(value, SecretBytes) else SecretBytes(str(value).encode())
    if isinstance(value, SecretBytes):
        raise Unsupported(f"{label!r} is binary and has no text", name=label, hint='ask for it with encode_mode="rb"')
    return Secret(str(value).strip())


def stack_name() -> str:
    """Return the name of the stack that `from_stack` asks."""
    return _store().stack.name


def _store() -> SecretStore:
    """Return the active stack's store.

    Without any configuration that is the environment, then files. But on a cluster flytekit takes no variable without
    its prefix for a secret, so there it is files alone.
    """
    if is_local() or chosen_stack() or _is_configured(working_directory(), os.environ.get(TACENDA_CONFIG)):
        return process_store()
    return _files_alone()


@cache
def _is_configured(directory: Path, named: str | None) -> bool:  # by what decides which file it is
    return find_configuration().path is not None


@cache
def _files_alone() -> SecretStore:
    return open_store(config={"stacks": {"default": {"secrets": {"provider": "files"}}}})
