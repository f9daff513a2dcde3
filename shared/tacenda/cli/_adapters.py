"""Which orchestrators are installed, and whether tacenda is at work in them: told without importing them here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from tacenda._adapters import TACENDA_ADAPTERS, is_wanted

__all__ = ["Adapter", "adapters"]

_PATIENCE = 60.0  # seconds that an orchestrator may take to be imported
_TELLS = "tacenda-check:"  # before the answer, for an orchestrator may print as it is imported

# '' is the working directory, where a file of the user's could be called metaflow.py. Of errors only the kind is told,
# for the text of one about a setting may have the setting's value in it; that of an ImportError has names only.
_PROGRAM = """
import json, sys
sys.path[:] = [place for place in sys.path if place]

def tell(what, error=None):
    if error:
        what += type(error).__name__ + (f": {{error}}" if isinstance(error, ImportError) else "")
    print({tells!r}, json.dumps(what))
    raise SystemExit

try:
    {trigger}
except BaseException as error:
    tell("it cannot be imported: ", error)
{ask}
tell(answer)
"""
_ASK_METAFLOW = """
from tacenda._adapters import problems

homes = [decorator.__module__ for decorator in STEP_DECORATORS if decorator.name == "secrets"]
answer = problems("metaflow") if homes and homes[-1].startswith("metaflow_extensions.tacenda.") else None
problem = getattr(sys.modules.get("metaflow_extensions.tacenda.plugins.mfextinit_tacenda"), "problem", None)
if problem and not str(getattr(problem, "name", "")).startswith("metaflow."):  # as of an older one
    tell("tacenda's adapter cannot be imported: ", problem)
"""
_ASK = """
from importlib.metadata import entry_points
from tacenda._adapters import problems

answer = problems({name!r})
if answer is None:
    hooks = [hook for hook in entry_points(group={hook!r}) if hook.name == "tacenda"]
    if not hooks:
        tell("tacenda's entry point {hook} is missing: install tacenda, with pip or the like, in this environment")
    try:
        hooks[0].load()
    except Exception as error:  # which the orchestrator has swallowed
        tell("tacenda's adapter cannot be imported: ", error)
"""


class _Orchestrator(NamedTuple):
    """How to find out about an orchestrator.

    Attributes:
        name: its distribution's name, and its adapter's.
        trigger: the statements by which it is imported and finds its adapter, as it does for its users.
        idiom: what its users write.
        hook: the entry-point group by which it finds its adapter.
        since: the first version that this release knows, as in the extra of that name.
        ask: the statements that set `answer`, to what does not work, or to None if the adapter is not active.
    """

    name: str
    trigger: str
    idiom: str
    hook: str
    since: str
    ask: str = _ASK


_ORCHESTRATORS = (
    _Orchestrator(
        "metaflow",
        "from metaflow.plugins import STEP_DECORATORS",
        "@secrets",
        "metaflow_extensions",
        "2.15.20",
        _ASK_METAFLOW,
    ),
    _Orchestrator("flytekit", "import flytekit", "current_context().secrets", "flytekit.plugins", "1.15"),
    _Orchestrator(
        "flyte",
        "import flyte.types; flyte.types._load_custom_type_transformers()",
        "TaskEnvironment(secrets=...)",
        "flyte.plugins.types",
        "2.12",
    ),
    _Orchestrator("zenml", "import zenml", "context.stack.secrets_manager", "zenml.init_hooks", "0.94.1"),
    _Orchestrator("flowyml", "import flowyml", "get_secrets_provider", "flowyml.stack_components", "2.2"),
)


class Adapter(NamedTuple):
    """An installed orchestrator.

    Attributes:
        orchestrator: its distribution's name.
        version: its version.
        active: whether tacenda serves its secrets.
        note: why it is not active, what it cannot do, or which idiom it serves.
        wrong: whether that is worth a warning.
    """

    orchestrator: str
    version: str
    active: bool
    note: str
    wrong: bool = False


def adapters() -> list[Adapter]:
    """Return the orchestrators that are installed; each is imported in a process of its own, all at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(_ORCHESTRATORS)) as pool:
        return [found for found in pool.map(_adapter, _ORCHESTRATORS) if found]


def _adapter(orchestrator: _Orchestrator) -> Adapter | None:
    from importlib.metadata import PackageNotFoundError, version

    name = orchestrator.name
    try:
        installed = version(name)
    except PackageNotFoundError:
        return None
    if not is_wanted(name):
        limit = os.environ.get(TACENDA_ADAPTERS, "")
        unknown = sorted(set(limit.replace(" ", "").split(",")) - {"", "none", *(each.name for each in _ORCHESTRATORS)})
        note = f"switched off by {TACENDA_ADAPTERS}={limit}"
        if unknown:
            note += f", in which {', '.join(map(repr, unknown))} is no adapter"
        return Adapter(name, installed, active=False, note=note, wrong=bool(unknown))
    answer = _ask(orchestrator)
    if answer is None:
        answer = f"it has not loaded tacenda's adapter, which needs {name} {orchestrator.since} or newer"
    if isinstance(answer, str):
        return Adapter(name, installed, active=False, note=answer, wrong=True)
    if answer:
        return Adapter(name, installed, active=True, note="; ".join(answer), wrong=True)
    return Adapter(name, installed, active=True, note=f"{orchestrator.idiom} is tacenda's")


def _ask(orchestrator: _Orchestrator) -> list[str] | str | None:
    """Return what does not work of an adapter, a text if it cannot be active for that, or None if it is not active."""
    import json

    ask = orchestrator.ask.format(name=orchestrator.name, hook=orchestrator.hook)
    program = _PROGRAM.format(trigger=orchestrator.trigger, ask=ask, tells=_TELLS)
    try:
        done = subprocess.run(  # noqa: S603 - fixed
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "importing it takes too long"
    _, told, answer = done.stdout.rpartition(_TELLS)
    if not told:
        return f"it cannot be imported: the process that tried ended with {done.returncode}"
    found: list[str] | str | None = json.loads(answer.partition("\n")[0])
    return found
