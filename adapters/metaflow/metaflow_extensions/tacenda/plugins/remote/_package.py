"""What `@secrets` adds to Metaflow's code package, so that a step that runs elsewhere resolves as it does here.

Metaflow carries its extensions itself, this one too. What is added: tacenda's core, and the snapshot. Backends' SDKs
are the container's: boto3 is in every one that Metaflow starts on S3, Azure's and Google's are on their storage.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins._carried import FOLDER, STACK
from metaflow_extensions.tacenda.plugins._core import clear_errors, core
from metaflow_extensions.tacenda.plugins.backend._stack import for_references
from metaflow_extensions.tacenda.plugins.remote._file_warnings import warn_of_files
from metaflow_extensions.tacenda.plugins.remote._snapshot import make_snapshot
from metaflow_extensions.tacenda.plugins.sources._callables import declared

__all__ = ["carries_the_package", "core_files", "is_remote", "packaged_files"]

_ELSEWHERE = {"batch", "kubernetes", "nvct", "nvidia", "skypilot_step", "slurm", "snowpark"}
"""Decorators that run a step on other machines: the names that Metaflow's own @conda has in its list."""
_LEFT_OUT = ("__pycache__", "testing")
"""No step needs them. The commands are carried, because an image's own would not find theirs behind this core."""
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""The snapshots of this process. Until it ends: Metaflow links to them where it runs steps in @conda locally."""


def carries_the_package(decorator: Any, flow: Any) -> bool:
    """Return whether a decorator is the first of its name in a flow: one is enough to add what all of them need."""
    of_that_name = (each for step in flow for each in step.decorators if each.name == decorator.name)
    return next(of_that_name, None) is decorator


def is_remote(step: Any) -> bool:
    """Return whether a step runs on another machine, as far as its decorators tell."""
    return any(decorator.name in _ELSEWHERE for decorator in step.decorators)


def packaged_files(flow: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each file to carry, and its path among the code in the package: what `add_to_package` returns.

    Pairs, which every version of Metaflow takes; since 2.16 it takes them for CODE_CONTENT.

    Args:
        flow: whose package it is.
        name: of the decorator that declares secrets.

    Raises:
        MetaflowException: if tacenda cannot be imported, or it cannot be told which stack is in force, and a step
            that runs elsewhere has a source that could be tacenda's. A step that runs here says so itself.
    """
    remote_steps = [
        step.__name__ for step in flow if is_remote(step) and name in {each.name for each in step.decorators}
    ]
    try:
        core()
        with clear_errors("Cannot tell where the secrets of steps come from"):
            snapshot = make_snapshot()
            asks_the_stack = not for_references().described
    except MetaflowException:
        if remote_steps and not _all_are_metaflows(flow, name):
            raise
        snapshot, asks_the_stack = {}, False
    warn_of_files(snapshot.get(STACK, {}), remote_steps if asks_the_stack else ())
    yield from core_files()
    folder = tempfile.TemporaryDirectory(prefix="tacenda-snapshot-")
    _FOLDERS.append(folder)
    for file, content in snapshot.items():
        path = os.path.join(folder.name, file)
        with open(path, "w", encoding="utf-8") as opened:
            json.dump(content, opened, sort_keys=True, default=str)
        yield path, f"{FOLDER}/{file}"


def _all_are_metaflows(flow: Any, name: str) -> bool:
    from metaflow_extensions.tacenda.plugins.sources._spec import left_to_metaflow

    sources = declared([each.attributes["sources"] for step in flow for each in step.decorators if each.name == name])
    # What a function returns is known when the task starts.
    return not any(map(callable, sources)) and left_to_metaflow(sources) is not None


def core_files() -> Iterator[tuple[str, str]]:
    """Yield the modules of tacenda's core, each with its path in the package."""
    spec = find_spec("tacenda")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for folder, inside, names in os.walk(root):
            inside[:] = sorted(set(inside).difference(_LEFT_OUT))
            for name in sorted(names):
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    yield path, f"tacenda/{os.path.relpath(path, root).replace(os.sep, '/')}"
