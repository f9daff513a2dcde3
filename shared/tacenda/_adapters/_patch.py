"""One place in an orchestrator that an adapter changes, and what is lost where it no longer fits."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Patch"]

_PATCHED_BY_US = "__tacenda_patch__"


class Patch(NamedTuple):
    """One place in an orchestrator that an adapter changes.

    Attributes:
        upstream: where, as `module:Class.attribute` or `module:function`.
        replace: from what is there to what shall be there; it gets None where `adds` is set.
        fits: the versions that it is known to fit, such as `1.15 to 1.16`.
        without: what users do without where it does not fit, as the warning says it, such as `decks are not masked`.
        expects: parameters that the original must have, by name.
        adds: whether the attribute is new: one that upstream has by then is left alone.

    Example:
        >>> Patch("json:dumps", lambda original: original, "any", "nothing is lost", expects=("obj",)).module
        'json'
    """

    upstream: str
    replace: Callable[[Any], Any]
    fits: str
    without: str
    expects: tuple[str, ...] = ()
    adds: bool = False

    @property
    def module(self) -> str:
        """The module that holds the place."""
        return self.upstream.partition(":")[0]

    def apply(self, module: ModuleType) -> None:
        """Change the place, once.

        Raises:
            LookupError: if upstream has no such place any more, or another one of that name.
        """
        owner, name = self._owner(module)
        if self.adds:
            if not hasattr(owner, name):
                setattr(owner, name, self.replace(None))
            return
        original = inspect.getattr_static(owner, name, None)
        if original is None:
            raise LookupError(f"{self.upstream} is gone")
        function = getattr(original, "__func__", original)  # of a static or class method
        if getattr(function, _PATCHED_BY_US, False):
            return
        if self.expects and (missing := set(self.expects) - set(_parameters(function))):
            raise LookupError(f"{self.upstream} has no parameter {', '.join(sorted(missing))}")
        replacement = self.replace(original)
        setattr(getattr(replacement, "__func__", replacement), _PATCHED_BY_US, True)
        setattr(owner, name, replacement)

    def _owner(self, module: ModuleType) -> tuple[Any, str]:
        *path, name = self.upstream.partition(":")[2].split(".")
        owner: Any = module
        for part in path:
            owner = getattr(owner, part, None)
            if owner is None:
                raise LookupError(f"{self.upstream} is gone")
        return owner, name


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []
