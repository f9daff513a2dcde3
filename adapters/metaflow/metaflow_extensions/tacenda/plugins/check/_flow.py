"""The half of `tacenda check --flow FILE` that knows Metaflow: it loads a flow, and says what its steps declare.

The command starts a process of its own for this, because a flow's file is a program: it may print, change the
environment, or end its process. The answer goes to a file without a name, for what a flow prints is not ours.
Metaflow itself loads the flow, by `python FILE OPTIONS…` with one more command in its command line, so that
configurations, `METAFLOW_DECOSPECS`, base classes and mutators have their say as in a run. Never a value.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import runpy
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from metaflow import FlowSpec, namespace
from metaflow._vendor import click
from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.backend._stack import in_force
from metaflow_extensions.tacenda.plugins.check._reading import Reader
from metaflow_extensions.tacenda.plugins.sources._namespace import run_namespace
from tacenda._adapters import when_imported
from tacenda.errors import SecretError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["answer"]

_COMMAND = "tacenda-check"
_BEFORE_RUN = "after `--` goes what stands before `run` when the flow is run"


class _Answered(SystemExit):
    """All is told: the flow's file need not go on."""


def answer(request: dict[str, Any]) -> NoReturn:
    """Load a flow, write what there is to tell about it, and end the process.

    Args:
        request: `flow`, its file; `options` of Metaflow's; `namespace` or None; and `answer`, the descriptor to write
            to.
    """
    os.set_inheritable(request["answer"], False)
    os.environ.setdefault("AWS_MAX_ATTEMPTS", "1")  # the patience of Metaflow's own provider; tacenda's has a deadline
    sys.dont_write_bytecode = True  # nothing is left behind
    store = Path(".metaflow").absolute()
    had_a_store = store.exists()
    told = _problem() or _ask(request)
    if not had_a_store:
        with suppress(OSError):  # Metaflow has made none here, or the flow has put something there
            store.rmdir()
    os.write(request["answer"], json.dumps(told).encode())
    os._exit(0)  # what the flow has started as it was loaded shall not keep this process


def _problem() -> dict[str, Any] | None:
    from metaflow.plugins import STEP_DECORATORS

    ours = [decorator.__module__ for decorator in STEP_DECORATORS if decorator.name == "secrets"]
    if ours and ours[-1].startswith("metaflow_extensions.tacenda."):
        return None
    return {"failed": "tacenda does not serve Metaflow's @secrets here: `tacenda check` says why"}


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    """Run the flow's file as `python FILE` does, until Metaflow has loaded a flow and told about it."""
    file: str = request["flow"]
    told: dict[str, Any] = {}
    # Not imported here: as it is imported, it asks which flow is being loaded, and takes over its configurations.
    when_imported("metaflow.cli", functools.partial(_add_command, told))
    sys.argv = [file, *request["options"], _COMMAND]
    if request["namespace"] is not None:
        sys.argv += ["--namespace", request["namespace"]]
    sys.path.insert(0, os.path.dirname(os.path.realpath(file)))
    try:
        content = runpy.run_path(file, run_name="__main__")
    except BaseException as error:  # noqa: BLE001 - a flow's file fails in any way
        hint = _BEFORE_RUN if isinstance(error, click.UsageError) else None
        return told or {"failed": f"{file} cannot be loaded: {_reason(error, file)}", "next": hint}
    return told or _starts_nothing(file, content)


def _add_command(told: dict[str, Any], cli: ModuleType) -> None:
    """Have Metaflow's command line know one command only, in this process: nothing is run. It raises its errors."""

    @click.command(_COMMAND)
    @click.option("--namespace", "user_namespace", default=None)
    @click.pass_obj
    def tell(state: Any, user_namespace: str | None) -> None:
        if user_namespace is not None:
            namespace(user_namespace or None)  # as `run` does
        told.update(told or _told(state))  # of several flows that a file starts, the first

    cli.start.sources, cli.start.lazy_sources = [click.Group(commands={_COMMAND: tell})], {}
    cli.start.main = functools.partial(cli.start.main, standalone_mode=False)
    start = cli.main

    @functools.wraps(start)
    def main(flow: Any, *arguments: Any, **settings: Any) -> NoReturn:
        start(flow, *arguments, **{**settings, "handle_exceptions": False})
        raise _Answered

    cli.main = main  # type: ignore[attr-defined]


def _told(state: Any) -> dict[str, Any]:
    flow, reader = state.flow, Reader(state.flow)
    nodes = getattr(state.graph, "sorted_nodes", None) or [node.name for node in state.graph]
    return {
        "flow": flow.name,
        "namespace": run_namespace(),
        "stack": _stack(),
        "steps": [_step(getattr(flow, name), reader) for name in nodes],
    }


def _stack() -> dict[str, str | None]:
    """Return the stack that serves plain names, and why that one."""
    try:
        serves = in_force()
    except SecretError as error:  # each source that needs it says so as well
        return {"name": None, "why": error.message}
    if serves.stack is None:
        return {"name": None, "why": f"{serves.reason}: Metaflow's own providers serve"}
    return {"name": serves.stack.name, "why": serves.reason}


def _step(step: Any, reader: Reader) -> dict[str, Any]:
    declared = [decorator for decorator in step.decorators if decorator.name == "secrets"]
    code = inspect.unwrap(step.__func__).__code__
    return {
        "step": step.__name__,
        "file": os.path.abspath(code.co_filename),
        "line": code.co_firstlineno,
        "declares": bool(declared),
        **(reader.told(declared[0], step) if declared else {"secrets": [], "error": None}),
    }


def _starts_nothing(file: str, content: dict[str, Any]) -> dict[str, Any]:
    flows = [
        name
        for name, kind in content.items()
        if isinstance(kind, type) and issubclass(kind, FlowSpec) and kind.__module__ == "__main__"
    ]
    if not flows:
        return {"no_flow": f"{file} imports metaflow and defines no flow"}
    return {
        "failed": f"{file} starts none of its flows ({', '.join(flows)}), so `python {file} run` does nothing either",
        "next": f"end it with: if __name__ == '__main__': {flows[0]}()",
    }


def _reason(error: BaseException, file: str) -> str:
    """Say what went wrong and where. Of the user's own errors not the text, for it could hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename, file)]
    where = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})"
    if isinstance(error, ImportError) and (error.name or "relative import" in str(error)):  # it has names only
        return f"{type(error).__name__}: {error}{where}"
    if isinstance(error, OSError) and error.errno and error.strerror == os.strerror(error.errno):
        return f"{type(error).__name__}: {error.strerror}{where}"
    if isinstance(error, SystemExit):
        return f"it ends its process{where} before its flow is loaded"
    if not own or frames[-1] != own[-1]:
        if isinstance(error, MetaflowException):
            return f"Metaflow refuses it{where}: {error.message}"
        if isinstance(error, click.ClickException):
            return f"Metaflow's command line: {error.format_message()}"
    return f"{type(error).__name__}{where} (its text is withheld, because it could hold a value)"


def _is_own(path: str, file: str) -> bool:
    home = os.path.dirname(os.path.realpath(file))
    return os.path.realpath(path).startswith(home + os.sep) and "site-packages" not in path and os.path.exists(path)
