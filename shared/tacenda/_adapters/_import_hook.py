"""Doing something as soon as a module has been imported, without importing it for that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["when_imported"]

Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback) -> None:
    """Call back with a module: at once if it is imported already, else right after its first import.

    Args:
        name: the module's full name.
        callback: must not raise, or that import fails. Of a module that is being imported right now it sees what
            has been executed so far.
    """
    module = sys.modules.get(name)
    if module is not None:
        callback(module)
        return
    _FINDER.waiting.setdefault(name, []).append(callback)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Finder(MetaPathFinder):
    """Has the other finders find what somebody waits for, and watches it being executed."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Callback]] = {}
        self._asking: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.waiting or fullname in self._asking:
            return None
        self._asking.add(fullname)
        try:
            spec = find_spec(fullname)  # asks every finder, this one too
        finally:
            self._asking.discard(fullname)
        if spec is not None and spec.loader is not None:
            self._watch(spec.loader, fullname)
        return spec

    def _watch(self, loader: Loader, name: str) -> None:
        execute = loader.exec_module

        def execute_and_call_back(module: ModuleType) -> None:
            execute(module)
            if module.__name__ == name:  # zipimport has one loader for all modules of an archive
                for callback in self.waiting.pop(name, ()):
                    callback(module)

        # On the loader, not a loader around it, so that whoever asks it for sources finds what they expect.
        loader.exec_module = execute_and_call_back  # type: ignore[method-assign]


_FINDER = _Finder()
