"""The process that loads a flow: the flow's own program, kept apart from ours, with Metaflow and tacenda's adapter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tacenda._config import TACENDA_CONFIG, TACENDA_STACK
from tacenda._stack import TACENDA_DEADLINE
from tacenda.cli._exit import shell_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tacenda.cli._session import Session

__all__ = ["load"]

# '' is the working directory, where a file of the user's could be called metaflow.py.
# Of an error only an ImportError's text is told: it has names only.
_PROGRAM = """
import json, os, sys
sys.path[:] = [place for place in sys.path if place]
request = json.load(sys.stdin)
try:
    from metaflow_extensions.tacenda.plugins.check._flow import answer
except Exception as error:
    why = type(error).__name__ + (f": {error}" if isinstance(error, ImportError) else "")
    told = {"failed": "Metaflow, or tacenda's adapter for it, cannot be imported: " + why}
    os.write(request["answer"], json.dumps(told).encode())
else:
    answer(request)
"""


def load(session: Session, file: str, options: Sequence[str], namespace: str | None) -> dict[str, Any]:
    """Return what Metaflow, with tacenda's adapter, says of a flow; `failed` or `no_flow` if it says why not.

    What the flow prints as it is loaded is dropped: it is no part of the report, and could hold a value. The request
    goes by standard input and the answer by a file without a name, so that neither is in a command line, meets what
    is printed, or stays.

    Args:
        session: the common options.
        file: the flow's file.
        options: Metaflow's own options.
        namespace: the run's namespace.
    """
    import json
    import tempfile

    # As with Ctrl-C, the flow's process ends with this one.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(shell_code(-number)))
    with tempfile.TemporaryFile() as answer:
        request = {"flow": file, "options": [*options], "namespace": namespace, "answer": answer.fileno()}
        done = subprocess.run(  # noqa: S603 - fixed
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps(request).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[answer.fileno()],
            env=_environment(session),
            check=False,
        )
        answer.seek(0)
        told = answer.read()
    if told:
        return dict(json.loads(told))
    return {
        "failed": f"{file} cannot be loaded: the process that tried ended with {done.returncode}",
        "next": f"run `python {file} check`, which shows what it prints",
    }


def _environment(session: Session) -> dict[str, str]:
    """Return the environment that a run would have here, with the common options in it, and no patience."""
    environment = {**os.environ, TACENDA_DEADLINE: "0"}
    if session.stack_name:
        environment[TACENDA_STACK] = session.stack_name
    if session.config:
        environment[TACENDA_CONFIG] = os.path.abspath(session.config)
    return environment
