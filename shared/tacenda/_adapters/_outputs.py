"""The guard before an orchestrator keeps what a task or step gives back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tacenda._adapters._masking import known_masker

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["refuse_output"]


def refuse_output(value: Any, name: str, what: str, function: Any, paths: Iterable[Path] = ()) -> None:
    """Raise if an output holds a secret, unless `allow_leak` exempts it.

    Args:
        value: the output.
        name: what the orchestrator calls it, and `allow_leak` too.
        what: what a message calls it, such as `output 'o0' of task 'train'`.
        function: the user's function that gave it back; None if there is none that could be decorated.
        paths: files and directories that the orchestrator copies with it.

    Raises:
        SecretLeak: names the output, the secrets, and the ways out.
    """
    if known_masker() is None:
        return
    from tacenda._adapters._files import refuse_leaking_files
    from tacenda.errors import SecretLeak
    from tacenda.masking._guard import leak_allowed, refuse_leaks

    if leak_allowed(function, name):
        return
    try:
        refuse_leaks(value, what)
        for path in paths:
            refuse_leaking_files(path, what)
    except SecretLeak as leak:
        wanted = f"; if it shall be stored, decorate the function with @tacenda.masking.allow_leak({name!r})"
        problem = SecretLeak(leak.message, hint=f"{leak.hint}{wanted if function else ''}")
    else:
        return
    raise problem  # without the frames that hold the value
