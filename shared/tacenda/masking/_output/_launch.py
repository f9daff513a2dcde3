"""Starting the masking helper."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["launch"]

_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
# Appended, so that no module installed beside tacenda can shadow one of the standard library.
_PROGRAM = (
    "import sys; sys.path.append({root!r}); from tacenda.masking._output import _helper; _helper.main(*sys.argv[1:])"
)
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
"""The variables that the helper inherits: some interpreters do not start without them."""
_PATIENCE = 60.0
"""How long the helper may take to start. Seconds."""


def launch(control: int, masker: Masker) -> int:
    """Start a helper, wait until it is ready, and return its process id.

    Args:
        control: the helper's end of the control socket.
        masker: whose settings it gets. Values and routes follow over the control socket.

    Raises:
        OSError: if it does not start; the message says why.
    """
    program = _PROGRAM.format(root=_ROOT)
    settings = [masker.token.decode(), str(masker.min_length), _numpy(), str(control)]
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-I", "-S", "-c", program, *settings],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[control],
        env={"OPENBLAS_NUM_THREADS": "1"} | {name: os.environ[name] for name in _LOADER if name in os.environ},
        start_new_session=True,
    )
    try:
        told, complaint = process.communicate(timeout=_PATIENCE)  # ends when the helper closes them: it is ready
    except BaseException as error:
        process.kill()
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise OSError(f"{sys.executable} was not ready after {_PATIENCE:.0f} s") from None
        raise
    if process.returncode or not told:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise OSError(f"{sys.executable} ended with code {process.returncode}: {last or 'without a message'}")
    return int(told)


def _numpy() -> str:
    """Return the directory that holds this process's numpy, or "". The helper imports it only under heavy traffic."""
    from importlib.util import find_spec

    try:
        spec = find_spec("numpy")
    except (ImportError, ValueError):
        return ""
    return os.path.dirname(os.path.dirname(os.path.abspath(spec.origin))) if spec and spec.origin else ""
