"""What single calls cost: registering, a small write, a logging call.

`python -m benchmarks.masking_calls [numpy] [hyperscan]` prints JSON; runs in the peers' environment.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import masking_peers as peers
from benchmarks import masking_texts as texts
from benchmarks._measure import cpu_timed, in_turn
from tacenda.masking import Masker, _records

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 20
"""So many secrets are registered one at a time with peers that rebuild everything for each."""
SMALL = 256
CALLS = 1000
WARM = 40
"""So many thousand writes go before, after which the masker takes patterns to stay as they are."""

Figures = dict[str, list[float]]


def registering() -> dict[str, Any]:
    """Return the seconds that registering takes with a line masked after each secret, and what rebuilding takes.

    A peer: for the first few secrets in all, for the last one alone.
    """
    values = texts.secrets(1000)
    line = texts.ordinary(values[:1])[:100]
    steps = [texts.forms(values[: number + 1]) for number in range(FEW)]
    every = texts.forms(values)
    rebuilt = {}
    for name in ("Airflow", "ahocorasick_rs", "hyperscan, block") if sys.argv[1:] == ["numpy"] else ():
        if peers.built(name, every[:1]):
            rebuild = partial(_rebuild, peers.PEERS[name], line)
            rebuilt[name] = [sum(map(rebuild, steps)), rebuild(every)]
    ours = in_turn({"ours": lambda: _register(values, line)}, 3)["ours"]
    return {"tacenda": ours, "peers": rebuilt}


def small_write() -> Figures:
    """Return the seconds per 256-byte write with 100 secrets, and per scan by hyperscan of the same bytes.

    hyperscan is called as its README shows, with the starts of the hits, without which nobody could mask.

    Writes as programs make them, which end with a line, and text cut anywhere, as it comes from a pipe.
    """
    values = texts.secrets(100)
    patterns = texts.forms(values)
    text = texts.ordinary(patterns)
    stream = peers.masker(values).stream()
    sides = {}
    for name, pieces in (("", texts.lines(text, SMALL)[:CALLS]), (", cut anywhere", texts.chunks(text, SMALL)[:CALLS])):
        for piece in itertools.chain.from_iterable([pieces] * WARM):
            stream.write(piece)
        sides["tacenda" + name] = partial(_each, pieces, stream.write)
        if peers.built("hyperscan, block", patterns):
            scan, report = peers.hyperscan_block(patterns)
            sides["hyperscan" + name] = partial(_each, pieces, partial(scan, match_event_handler=report))
    return in_turn(sides, 41)


def logging_calls() -> Figures:
    """Return the seconds per logging call: without tacenda, with no secret registered, with 1,000."""
    logger = logging.getLogger("benchmarks")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        full = peers.masker(texts.secrets(1000))
        maskers = {"without": None, "none": Masker(), "1,000": full}
        sides = {name: partial(_logged, logger, masker) for name, masker in maskers.items()}
        try:
            return in_turn(sides, 41)
        finally:
            logger.removeHandler(handler)


def _each(pieces: list[bytes], call: Callable[[bytes], object]) -> float:
    def run() -> None:
        for piece in pieces:
            call(piece)

    return cpu_timed(run) / len(pieces)


def _register(values: list[bytes], line: bytes) -> float:
    masker = Masker()

    def register() -> None:
        for value in values:
            masker.add(value)
            masker.mask(line)

    return cpu_timed(register)


def _rebuild(build: peers.Build, line: bytes, patterns: list[bytes]) -> float:
    return cpu_timed(lambda: build(patterns)([line]))


def _logged(logger: logging.Logger, masker: Masker | None) -> float:
    def log() -> None:
        for number in range(CALLS):
            logger.info("request %s served in %d ms for user %s", "3f9a17c2", number, "worker-7")

    if masker is None:
        return cpu_timed(log) / CALLS
    _records.attach(masker)
    try:
        return cpu_timed(log) / CALLS
    finally:
        _records.detach()


def main() -> int:
    """Measure and print; arguments: what the masker finds."""
    peers.prepare(sys.argv[1:])
    print(json.dumps({"logging": logging_calls(), "small": small_write(), "registering": registering()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
