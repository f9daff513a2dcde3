"""Files of running tasks' secrets, where the platform has mounted none."""

from __future__ import annotations

import re
from collections.abc import Callable

from tacenda_flyte._private_directory import PrivateDirectory
from tacenda_flyte.flytekit._wanted import Wanted

__all__ = ["MOUNTS", "put_mount"]

MOUNTS: dict[Wanted, str] = {}
"""The path of each secret that is mounted now."""


def put_mount(secret: Wanted, content: bytes) -> Callable[[], None]:
    """Write a secret into a private file of its own; return what removes it."""
    # Named as the platform would, so that a person sees in the path which secret it is.
    name = re.sub(r"[^a-z0-9._-]|^\.+", "_", secret.parts[-1].lower())
    directory = PrivateDirectory()
    remove = directory.put(name, content)
    MOUNTS[secret] = str(directory.path / name)

    def undo() -> None:
        MOUNTS.pop(secret, None)
        remove()

    return undo
