"""All that tacenda changes in flyte 2.

| patched | for |
|---|---|
| `taskrunner.run_task` | declared secrets are there while a task runs; outputs are searched, output and errors masked |
| `Secret.__post_init__` | a newline after a variable's name is refused; an illegal name's error proposes `as_env_var` |
| `TraceInfo.add_outputs`, `.add_error` | what `@flyte.trace` stores is searched, its errors are masked |
| `Report.get_final_report` | `report.html` is masked |
| `RunStore`: `_update_attempt_sync`, `record_complete_sync`, `record_failure_sync` | the local run database is masked |
| `_json_or_none` | so are the inputs and the context in it |
| `flyte.task`, if there is none | the documented `@task(secrets=...)` |

`PATCHES` says what is lost where one does not fit. The functions here only say when; what happens then is in the module
that is imported when one is first called. Each is given the original and its arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tacenda._adapters import Patch

__all__ = ["PATCHES"]

_FITS = "2.12"
_STORE = "flyte._persistence._run_store"
_TRACE = "flyte._internal.controllers._trace:TraceInfo"


def _by(module: str, name: str) -> Callable[[Any], Any]:
    """Return what replaces a function, or a static method, by one of ours, which is imported on its first call."""

    def replace(original: Any) -> Any:
        function = getattr(original, "__func__", original)

        @functools.wraps(function)
        def ours(*args: Any, **options: Any) -> Any:
            return getattr(import_module(f"tacenda_flyte.flyte.{module}"), name)(function, *args, **options)

        return staticmethod(ours) if isinstance(original, staticmethod) else ours

    return replace


def _task(_: None) -> Callable[..., Any]:
    def task(*args: Any, **options: Any) -> Any:
        from tacenda_flyte.flyte._task import task as ours

        return ours(*args, **options)

    return task


def _run_store(method: str) -> Patch:
    replace = _by("_persisted", "masked_texts")
    return Patch(f"{_STORE}:RunStore.{method}", replace, _FITS, "the local run database may show values")


PATCHES = (
    Patch(
        "flyte._internal.runtime.taskrunner:run_task",
        _by("_run", "run_task"),
        _FITS,
        "tasks get no secrets, and nothing that they print or return is masked or searched",
        expects=("tctx", "controller", "task", "inputs"),
    ),
    Patch(
        "flyte._secret:Secret.__post_init__",
        _by("_names", "check_names"),
        _FITS,
        "variable names are checked by flyte alone",
    ),
    Patch(
        f"{_TRACE}.add_outputs",
        _by("_trace", "add_searched_output"),
        _FITS,
        "a trace may store values",
        expects=("self", "output"),
    ),
    Patch(
        f"{_TRACE}.add_error",
        _by("_trace", "add_masked_error"),
        _FITS,
        "a trace's error may show values",
        expects=("self", "error"),
    ),
    Patch(
        "flyte.report._report:Report.get_final_report",
        _by("_persisted", "masked_report"),
        _FITS,
        "reports may show values",
    ),
    Patch(f"{_STORE}:_json_or_none", _by("_persisted", "masked_result"), _FITS, "the local run database shows values"),
    _run_store("_update_attempt_sync"),
    _run_store("record_complete_sync"),
    _run_store("record_failure_sync"),
    Patch("flyte:task", _task, _FITS, "flyte.task is missing: use tacenda_flyte.task", adds=True),
)
