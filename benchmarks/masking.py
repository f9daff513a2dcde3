"""What masking costs: the engine, single calls and the helper process, against what they are compared with.

Measured by `masking_speed`, `masking_calls` and `masking_pump`, with what speeds the masker up and without it, in an
environment with the peers of `peers.txt`. `masking_rows` says what was to be reached.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import masking_rows as rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._measure import Result

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-peers/bin/python"
PACKAGES = ("numpy", "apache-airflow-task-sdk", "ahocorasick-rs", "hyperscan")

MODES = {rows.NUMPY: ["numpy"], rows.STDLIB: [], rows.HYPERSCAN: ["numpy", "hyperscan"]}
"""What the masker finds, as arguments of the measuring modules."""

_VERSIONS = """
import importlib.metadata, sys
found = {each.name.replace("_", "-"): each.version for each in importlib.metadata.distributions()}
print(", ".join(f"{name} {found[name]}" for name in sys.argv[1:] if name in found))
"""
_TABLE = """## Masking, MB/s

In brackets: over memcpy. Streams of 64 KiB chunks with a value in every 1,000th line; near-prefix text is made of
beginnings of the forms, cut off before their end, in which no other form stands: nothing of it is masked. Everybody
gets the same forms, made by tacenda. Airflow, `bytes.replace` and tacenda return the masked text, the others only say
where the hits are. Who needs more than 0.12 s for the 2 MiB of text gets parts of it, another one each round; Airflow
with 1,000 secrets gets 512 bytes at a time.
This and all of masking but the helper process is measured in processor time.

| secrets (forms), text | {columns} | memcpy |
|---|{rules}---|
"""


class Masking:
    """The measurements of one run."""

    def run(self) -> Iterator[Result]:
        """Measure everything and give the rows."""
        self._speeds = _runs("masking_speed", *MODES)
        yield from rows.engine(self._speeds)
        yield from rows.calls(_runs("masking_calls", *MODES))
        yield from rows.pump(_runs("masking_pump", rows.NUMPY, rows.STDLIB))

    def table(self) -> str:
        """Return the speeds of all sides in Markdown, once they are measured."""
        first = self._speeds[rows.NUMPY]
        sides = dict.fromkeys(side for speeds in first.values() for side in speeds)
        peers = [side for side in sides if side not in {"forms", "tacenda", "memcpy"}]
        lines = []
        for row, speeds in first.items():
            count, text = row.split()
            cells = [_cell(run[row], "tacenda") for run in self._speeds.values()]
            cells += [_cell(speeds, peer) for peer in peers]
            lines.append(
                f"| {count} ({speeds['forms']:.0f}), {text} | {' | '.join(cells)} | {speeds['memcpy']:,.0f} |\n"
            )
        columns = [*(f"tacenda {mode}" for mode in self._speeds), *peers]
        return _TABLE.format(columns=" | ".join(columns), rules="---|" * len(columns)) + "".join(lines)


def versions() -> str:
    """Return what is installed beside the masker."""
    return _child("-c", _VERSIONS, *PACKAGES).strip()


def _runs(module: str, *modes: str) -> rows.Runs:
    return {mode: json.loads(_child("-m", f"benchmarks.{module}", *MODES[mode])) for mode in modes}


def _child(*arguments: str) -> str:
    command = [str(PYTHON), *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _cell(speeds: dict[str, float], side: str) -> str:
    return f"{speeds[side]:.3g} ({speeds[side] / speeds['memcpy']:.2g})" if side in speeds else "–"
