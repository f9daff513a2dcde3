"""Warnings, before a run, about secrets that are in a file on this machine (provider `local`)."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["warn_of_files"]

_LOGGER = logging.getLogger("tacenda")


def warn_of_files(stack: Mapping[str, Any], remote_steps: Sequence[str]) -> None:
    """Warn of a file that steps elsewhere would ask, and of one that would be carried in the code package.

    Args:
        stack: the snapshot of tacenda's configured stack; empty if there is none.
        remote_steps: the steps that ask the stack and run on other machines.
    """
    for label, settings in stack.get("stacks", {}).items():
        entries = [entry for entry in settings["secrets"] if entry["provider"] == "local"]
        if entries and remote_steps:
            _LOGGER.warning(
                "step %s runs on another machine, and tacenda's stack %r asks a file on this one (provider `local`), "
                "which is not there: choose a stack with a server, for example with TACENDA_STACK",
                ", ".join(map(repr, remote_steps)),
                label,
            )
        for path in _readable_files(entries, stack["base"]):
            if _is_packaged(path):
                _LOGGER.warning(
                    "the code package takes in %s, with the secrets of tacenda's stack %r: leave that ending out of "
                    "--package-suffixes (METAFLOW_DEFAULT_PACKAGE_SUFFIXES), or encrypt the file",
                    path,
                    label,
                )


def _readable_files(entries: Sequence[Mapping[str, Any]], base: str) -> Iterator[str]:
    """Yield the files of a stack that exist and are not encrypted."""
    from tacenda.providers.local import DEFAULT_FILES

    for entry in entries:
        for name in [entry["path"]] if entry.get("path") else DEFAULT_FILES:
            path = os.path.join(base, os.path.expanduser(name))
            if os.path.exists(path) and not path.endswith(".age"):
                yield path


def _is_packaged(path: str) -> bool:
    """Return whether Metaflow packages a file: it is below the flow's directory, and the package takes its name."""
    try:
        from metaflow.system_context import system_context
    except ImportError:  # an older Metaflow does not tell which endings its package takes
        return False
    takes = getattr(system_context.package, "_user_code_filter", None)
    *folders, name = os.path.relpath(path, os.path.dirname(os.path.abspath(sys.argv[0]))).split(os.sep)
    hidden = any(folder.startswith(".") for folder in folders)  # also `..`
    return takes is not None and not hidden and bool(takes(name))
