"""What can be set about tacenda in flytekit, by environment variables: the stacks' file is for every orchestrator."""

from __future__ import annotations

import os

__all__ = ["ANY", "FILE_ATTRIBUTE", "any_is_file", "file_attribute_is_path"]

ANY = "TACENDA_FLYTEKIT_ANY"
"""What `MountType.ANY` means in a local run: `env`, or `file` as on a cluster with Flyte's Kubernetes injector."""
FILE_ATTRIBUTE = "TACENDA_FLYTEKIT_FILE_ATTRIBUTE"
"""What `secrets.group.key` gives for a FILE secret: `content`, as flytekit does, or `path`, as one page of it says."""


def any_is_file() -> bool:
    """Return whether a secret declared with `MountType.ANY` is handed over as a file.

    Raises:
        ConfigurationError: if the variable says neither `env` nor `file`.
    """
    return _choice(ANY, "env", "file") == "file"


def file_attribute_is_path() -> bool:
    """Return whether the attribute of a FILE secret is its path instead of its content.

    Raises:
        ConfigurationError: if the variable says neither `content` nor `path`.
    """
    return _choice(FILE_ATTRIBUTE, "content", "path") == "path"


def _choice(variable: str, *allowed: str) -> str:
    chosen = os.environ.get(variable) or allowed[0]
    if chosen in allowed:
        return chosen
    from tacenda.errors import ConfigurationError

    raise ConfigurationError(f"{variable} must be {' or '.join(allowed)}", hint=f"without it, it is {allowed[0]}")
