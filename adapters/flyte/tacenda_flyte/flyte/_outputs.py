"""The guard before a task's outputs are kept: none may hold a secret."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tacenda._adapters import known_masker, refuse_output
from tacenda_flyte._parts import parts

__all__ = ["refuse_leaking_outputs"]


async def refuse_leaking_outputs(task: Any, outputs: Any) -> None:
    """Raise if an output holds a known secret, unless `allow_leak` exempts it.

    Args:
        task: the task that returned them.
        outputs: what it returned: one value, or a tuple.

    Raises:
        SecretLeak: names the task and the output as flyte calls it, `o0` for the first.
    """
    if known_masker() is None:
        return
    values = outputs if isinstance(outputs, tuple) else (outputs,)
    names = list(task.native_interface.outputs)
    names += [f"o{index}" for index in range(len(names), len(values))]  # more than declared: upstream's error shows it
    await asyncio.to_thread(_refuse, task, dict(zip(names, values, strict=False)))


def _refuse(task: Any, outputs: dict[str, Any]) -> None:
    for name, value in outputs.items():
        what = f"output {name!r} of task {task.name!r}"
        refuse_output(value, name, what, getattr(task, "func", None), _local_paths(value))


def _local_paths(value: Any) -> Iterator[Path]:
    """Yield where each `flyte.io.File` and `Dir` in an output is; one that is not on this machine leads to nothing."""
    io = sys.modules.get("flyte.io")  # where it is not imported, there are none
    kinds = (io.File, io.Dir) if io else ()
    for part, _ in parts(value, None, kinds):
        if isinstance(part, kinds) and part.path:
            yield Path(part.path.removeprefix("file://"))
