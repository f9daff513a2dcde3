"""Timing two things fairly on a noisy machine: interleaved rounds, medians and minima, ratios round by round."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Result(NamedTuple):
    """One row of the table.

    Attributes:
        what: what was measured.
        goal: what was to be reached.
        reached: the figure to compare with the goal.
        detail: medians and minima behind it.
        ok: whether the goal is reached.
    """

    what: str
    goal: str
    reached: str
    detail: str
    ok: bool


class Pair(NamedTuple):
    """Seconds per round of ours and of the peer."""

    ours: list[float]
    peer: list[float]

    @property
    def ratio(self) -> float:
        """The median of ours over the median of the peer's."""
        return statistics.median(self.ours) / statistics.median(self.peer)

    @property
    def best_ratio(self) -> float:
        """The minimum of ours over the minimum of the peer's: the least disturbed rounds of each."""
        return min(self.ours) / min(self.peer)

    def detail(self, unit: float = 1e3, name: str = "ms") -> str:
        """Return medians and minima in words."""
        figures = [f"{statistics.median(side) * unit:.2f} / {min(side) * unit:.2f}" for side in self]
        return f"ours {figures[0]} {name}, peer {figures[1]} {name} (median / minimum of {len(self.ours)})"


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run any number of sides in turn, each returning its figure; the order alternates, first runs do not count."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for number in range(rounds):
        for name in list(sides) if number % 2 else reversed(list(sides)):
            figures[name].append(sides[name]())
    return figures


def interleaved(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> Pair:
    """Run both in turn, each returning its seconds; the order alternates, and the first run of each is not counted."""
    figures = in_turn({"ours": ours, "peer": peer}, rounds)
    return Pair(figures["ours"], figures["peer"])


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def cpu_timed(call: Callable[[], object]) -> float:
    """Return the processor time that one call takes, in seconds: what else the machine does hardly counts."""
    started = time.process_time()
    call()
    return time.process_time() - started


def process(code: str, environment: Mapping[str, str], directory: str) -> float:
    """Return the seconds that a whole Python process takes to run some code."""
    command = [sys.executable, "-c", code]
    return timed(lambda: subprocess.run(command, env=dict(environment), cwd=directory, check=True, capture_output=True))
