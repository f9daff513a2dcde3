"""The rows of the table that are about masking: what was to be reached, and whether it is."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks._measure import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

_AIRFLOW_GOALS = {10: 50, 100: 3_000, 1000: 20_000}
_ABSENT = "not installed: no wheel of the peer for this system"

Sides = dict[str, float]


NUMPY, STDLIB, HYPERSCAN = "with numpy", "stdlib only", "with numpy and hyperscan"

Runs = dict[str, Any]
"""What a measuring module printed, by what the masker could use there."""


def engine(speeds: Runs) -> Iterator[Result]:
    """Give the engine's rows, from `masking_speed`."""
    for count, goal in _AIRFLOW_GOALS.items():
        yield _over_airflow(speeds[NUMPY], count, goal, NUMPY)
    yield _over_airflow(speeds[STDLIB], 100, 100, STDLIB)
    texts = {
        name: {text: run[f"1000 {text}"]["tacenda"] for text in ("ordinary", "near-prefix")}
        for name, run in speeds.items()
    }
    shares = _over(texts, "near-prefix", "ordinary")
    yield Result(
        "engine, 1,000 secrets, near-prefix text over ordinary text",
        "≥ 0.1",
        _each(shares, ""),
        _behind(texts, "MB/s"),
        min(shares.values()) >= 0.1,
    )


def calls(measured: Runs) -> Iterator[Result]:
    """Give the rows of single calls, from `masking_calls`."""
    ours = {name: median(run["registering"]["tacenda"]) for name, run in measured.items()}
    peers = measured[NUMPY]["registering"]["peers"].items()
    yield Result(
        "register 1,000 secrets one at a time, a line masked after each",
        "≤ 1 s",
        _each(ours, "s"),
        "; ".join(f"{peer} {few:.2f} s for the first 20, {last:.2f} s for the last" for peer, (few, last) in peers),
        max(ours.values()) <= 1,
    )
    logged = _medians(measured, "logging", 1e6)
    yield Result(
        "a logging call with 1,000 secrets registered, over one with none",
        "≤ 1.5 ×",
        _each(times := {name: sides["1,000"] / sides["none"] for name, sides in logged.items()}, "×"),
        _behind(logged, "µs") + f"; over without: {_each(_over(logged, '1,000', 'without'), '×')}",
        max(times.values()) <= 1.5,
    )
    small = _medians(measured, "small", 1e6)
    times = _over(small, "tacenda", "hyperscan")
    anywhere = _over(small, "tacenda, cut anywhere", "hyperscan, cut anywhere")
    yield Result(
        "a 256-byte `stream.write` of whole lines, 100 secrets; peer: hyperscan's scan of the same bytes",
        "≤ 3 ×",
        f"{_each(times, '×')}; text cut anywhere: {_each(anywhere, '×')}" if times else _ABSENT,
        _behind(small, "µs"),
        not times or times[HYPERSCAN] <= 3,
    )


def pump(measured: Runs) -> Iterator[Result]:
    """Give the rows of the helper process, from `masking_pump`."""
    speeds = _medians(measured, "MB/s")
    shares = _over(speeds, "helper", "copy")
    yield Result(
        "helper process, 10 secrets, writes of 64 KiB; peer: a process that copies",
        "≥ 0.5",
        _each(shares, ""),
        _behind(speeds, "MB/s"),
        shares[NUMPY] >= 0.5,
    )
    starts = _medians(measured, "start")
    yield _shown(
        "start of the helper process, in the first `add`",
        _each({name: sides["first"] * 1e3 for name, sides in starts.items()}, "ms"),
        "",
    )
    yield _shown(
        "an acknowledged registration",
        _each({name: sides["add"] * 1e6 for name, sides in starts.items()}, "µs"),
        f"without the helper process {_each({name: sides['here'] * 1e6 for name, sides in starts.items()}, 'µs')}",
    )
    waits = {side: sorted(latencies) for side, latencies in measured[STDLIB]["latency"].items()}
    p99, p50 = ({side: each[len(each) * part // 100] * 1e3 for side, each in waits.items()} for part in (99, 50))
    yield _shown(
        "a line through the helper process, p99; peer: a process that copies",
        f"{p99['helper']:.2f} ms",
        f"peer {p99['copy']:.2f} ms; medians: ours {p50['helper']:.2f} ms, peer {p50['copy']:.2f} ms",
    )


def _over_airflow(table: dict[str, Sides], count: int, goal: int, which: str) -> Result:
    texts = {text: table[f"{count} {text}"] for text in ("ordinary", "near-prefix")}
    times = _over(texts, "tacenda", "Airflow")
    return Result(
        f"engine, {which}, {count:,} secrets; peer: Airflow with the same forms",
        f"≥ {goal:,} ×",
        f"{times['ordinary']:,.0f} × (near-prefix text {times['near-prefix']:,.0f} ×)" if times else _ABSENT,
        _behind(
            {
                text: {side: speeds[side] for side in ("tacenda", "Airflow") if side in speeds}
                for text, speeds in texts.items()
            },
            "MB/s",
        ),
        not times or times["ordinary"] >= goal,
    )


def _medians(runs: Runs, what: str, scale: float = 1) -> dict[str, Sides]:
    return {name: {side: median(figures) * scale for side, figures in run[what].items()} for name, run in runs.items()}


def _shown(what: str, reached: str, detail: str) -> Result:
    return Result(what, "–", reached, detail, ok=True)


def _over(runs: dict[str, Sides], side: str, other: str) -> Sides:
    return {name: sides[side] / sides[other] for name, sides in runs.items() if other in sides}


def _each(figures: Sides, unit: str) -> str:
    return ", ".join(f"{_short(figure)} {unit} {name}".replace("  ", " ") for name, figure in figures.items())


def _behind(runs: dict[str, Sides], unit: str) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{side} {_short(figure)} {unit}" for side, figure in sides.items())
        for name, sides in runs.items()
    )


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}" if figure >= 0.01 else f"{figure:.2g}"
