"""What `import <orchestrator>` pays for its adapter: the self time of tacenda's modules under `-X importtime`."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._measure import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 7
_GOAL = 5.0  # milliseconds
# How users import it so that it looks for plug-ins: flyte does at `flyte.init()`.
_IMPORTS = {
    "metaflow": "import metaflow.plugins",
    "flytekit": "import flytekit",
    "flyte": "import flyte.types; flyte.types._load_custom_type_transformers()",
    "zenml": "import zenml",
    "flowyml": "import flowyml",
}
# import time:      self [us] | cumulative | the module, indented by depth
_OURS = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+((?:tacenda|metaflow_extensions\.tacenda)\b\S*)")


def run() -> Iterator[Result]:
    """Measure each orchestrator that is installed, FlowyML in the environment beside this one."""
    for name, code in _IMPORTS.items():
        environment = Path(f"{sys.prefix}-flowyml" if name == "flowyml" else sys.prefix)
        places = [str(place) for place in environment.glob("lib/python*/site-packages")]
        for found in Distribution.discover(name=name, path=places):
            yield _measured(f"{name} {found.version}", environment / "bin" / "python", code)


def _measured(what: str, python: Path, code: str) -> Result:
    rounds = [_ours(python, code) for _ in range(_ROUNDS + 1)][1:]  # the first may compile
    totals = [sum(modules.values()) for modules in rounds]
    slowest = max(rounds[-1], key=rounds[-1].__getitem__, default="none")
    return Result(
        f"import of {what}: tacenda's modules, self time",
        f"≤ {_GOAL:.0f} ms",
        f"{statistics.median(totals):.2f} ms",
        f"median of {_ROUNDS}, the least {min(totals):.2f} ms; {len(rounds[-1])} modules, most `{slowest}`",
        0 < statistics.median(totals) <= _GOAL,
    )


def _ours(python: Path, code: str) -> dict[str, float]:
    """Return the milliseconds of each module of ours in one import."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [str(python), "-X", "importtime", "-c", code],
            cwd=home,
            env={**environment, "HOME": home},
            capture_output=True,
            text=True,
            check=True,
        )
    return {module: int(spent) / 1e3 for spent, module in _OURS.findall(done.stderr)}
