"""Putting hooks into other modules, and removing them without harm to hooks that came later."""

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
    """The hooks of one masker. After `take_away` those that cannot be removed pass everything through unmasked."""

    def __init__(self, masker: Masker) -> None:
        self.masker: Masker | None = masker
        self._patches: list[_Patch] = []

    def put(self, owner: Any, name: str, make: MakeHook) -> None:
        """Replace a function by a hook that may call it, unless it is such a hook of ours already."""
        previous = getattr(owner, name)
        if not any(patch.ours is previous for patch in self._patches):
            ours = functools.wraps(previous)(make(self, previous))
            self._patches.append(_Patch(owner, name, ours, previous))
            setattr(owner, name, ours)

    def take_away(self) -> None:
        """Put back what was there, except where somebody else has replaced our hook since."""
        self.masker = None
        for patch in self._patches:
            if getattr(patch.owner, patch.name) is patch.ours:
                setattr(patch.owner, patch.name, patch.previous)
