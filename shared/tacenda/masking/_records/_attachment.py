"""Hooks put into other modules, and taken away again without harm to those who came later."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking._engine import Masker

    Hook = Callable[..., Any]
    MakeHook = Callable[["Attachment", Hook], Hook]

__all__ = ["Attachment"]


class _Patch(NamedTuple):
    owner: Any
    name: str
    ours: Hook
    previous: Hook


class Attachment:
    """The hooks that were put somewhere for a masker. They ask for it at every call, and pass through without one."""

    def __init__(self, masker: Masker) -> None:
        self.masker: Masker | None = masker
        self._patches: list[_Patch] = []

    def put(self, owner: Any, name: str, make: MakeHook) -> None:
        """Put a hook on top of what is there, unless that is ours already."""
        previous = getattr(owner, name)
        if not any(patch.ours is previous for patch in self._patches):
            ours = functools.wraps(previous)(make(self, previous))
            self._patches.append(_Patch(owner, name, ours, previous))
            setattr(owner, name, ours)

    def take_away(self) -> None:
        """Put back what was there, where ours is still on top."""
        self.masker = None
        for patch in self._patches:
            if getattr(patch.owner, patch.name) is patch.ours:
                setattr(patch.owner, patch.name, patch.previous)
