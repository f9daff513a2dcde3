"""Megabytes per second of the masker and of its peers: `python -m benchmarks.masking_speed [numpy] [hyperscan]`.

Prints JSON; runs in the peers' environment. What is not among the arguments, the masker does not find.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import masking_peers as peers
from benchmarks import masking_texts as texts
from benchmarks._measure import cpu_timed, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.masking import Masker

SECRETS = (1, 10, 100, 1000)
ROUNDS = 9
BUDGET = 0.12
"""A side that takes longer for the whole text gets a part of it, another one each round. Seconds."""
LEAST = 512
"""The smallest part, whatever it takes: Airflow with 1,000 secrets needs seconds for a kilobyte. Bytes."""

Speeds = dict[str, float]


def measure(everything: bool) -> dict[str, Speeds]:
    """Return MB/s by side, for each number of secrets and each text; without `everything`, few peers."""
    names = list(peers.PEERS) if everything else ["memcpy"]
    table: dict[str, Speeds] = {}
    for count in SECRETS:
        values = texts.secrets(count)
        patterns = texts.forms(values)
        ours = peers.masker(values)
        others = names if everything or count != 100 else ["Airflow", *names]
        scans = {"tacenda": peers.ours(ours)}
        scans |= {name: scan for name in others if (scan := peers.built(name, patterns)) is not None}
        for kind, text in (("ordinary", texts.ordinary(patterns)), ("near-prefix", texts.near_prefix(patterns))):
            check(ours, text)
            sides = {name: sampled(scan, text) for name, scan in scans.items()}
            rounds = in_turn(sides, ROUNDS)
            table[f"{count} {kind}"] = {name: statistics.median(figures) for name, figures in rounds.items()}
            table[f"{count} {kind}"]["forms"] = len(patterns)
    return table


def check(ours: Masker, text: bytes) -> None:
    """Raise unless what is measured also masks: as many tokens come out as patterns were put in."""
    stream = ours.stream()
    masked = b"".join([*map(stream.write, texts.chunks(text)), stream.flush()])
    found = masked.count(ours.token)
    if found != texts.hits(text):
        raise AssertionError(f"{found} values masked in a text that holds {texts.hits(text)}")


def sampled(scan: peers.Scan, text: bytes) -> Callable[[], float]:
    """Return a function that runs a scan over the text, or as much as fits the budget, and returns MB/s."""
    probe = LEAST
    while (seconds := cpu_timed(partial(scan, [text[:probe]]))) < BUDGET / 10 and probe * 4 <= texts.CHUNK:
        probe *= 4
    size = min(max(int(probe * BUDGET / seconds), LEAST), len(text))
    parts = [texts.chunks(text[start : start + size]) for start in range(0, len(text) - size + 1, size)]
    turn = itertools.cycle(parts)

    def run() -> float:
        part = next(turn)
        return size / 1e6 / cpu_timed(partial(scan, part))

    return run


def main() -> int:
    """Measure and print; arguments: what the masker finds."""
    peers.prepare(sys.argv[1:])
    print(json.dumps(measure(everything=sys.argv[1:] == ["numpy"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
