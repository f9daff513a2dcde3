"""What is masked in what: made-up secrets, and log text that holds one of them about every 1,000 lines.

All of it comes from fixed seeds: every run and every peer gets the same bytes.
"""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

from tacenda.masking._forms._variants import variants
from tacenda.masking._policy import MIN_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHORT_OF_TEN = (2, 5, 8)
LINES_PER_HIT = 1000
TEXT_SIZE = 2 << 20
CHUNK = 1 << 16

_PASSWORD = string.ascii_letters + string.digits + "!#$%&*+-./:=?@^_~"
_TOKEN = string.ascii_letters + string.digits + "-_"
_WORDS = [
    *("request", "served", "user", "items", "module", "handling", "connection", "from", "database", "timeout"),
    *("started", "worker", "queue", "retry", "finished", "loading", "partition", "schema", "upload", "checkpoint"),
    *("cache", "miss", "batch", "rows", "written", "artifact", "step", "pipeline", "scheduler", "lease"),
]
_LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR")


def secrets(count: int) -> list[bytes]:
    """Return so many values, 30 % of them of 6 to 14 characters; fewer are the first of more."""
    rng = random.Random(1)
    values = []
    for number in range(count):
        length = rng.randint(6, 14) if number % 10 in SHORT_OF_TEN else rng.randint(20, 48)
        values.append("".join(rng.choices(_PASSWORD if number % 2 else _TOKEN, k=length)).encode())
    return values


def forms(values: Iterable[bytes]) -> list[bytes]:
    """Return all forms of the values that the masker looks for, each once."""
    return sorted({form for value in values for form in variants(value, MIN_LENGTH)})


def ordinary(patterns: list[bytes]) -> bytes:
    """Return log lines as services and orchestrators write them, a pattern in one of 1,000."""
    rng = random.Random(2)
    return _text(lambda: _line(rng).encode(), patterns, rng)


def near_prefix(patterns: list[bytes]) -> bytes:
    """Return log lines of which every other word is the beginning of a pattern, from half of it to all but one byte.

    A beginning in which another pattern stands is not taken: whoever masks has to pass over all of them.
    """
    rng = random.Random(3)
    starts: dict[bytes, list[bytes]] = {}
    for pattern in patterns:
        starts.setdefault(pattern[:MIN_LENGTH], []).append(pattern)

    def beginning() -> bytes:
        while True:
            pattern = rng.choice(patterns)
            cut = pattern[: rng.randint(len(pattern) // 2, len(pattern) - 1)]
            if not any(  # a longer form's beginning may hold a shorter form
                cut.startswith(other, at)
                for at in range(len(cut))
                for other in starts.get(cut[at : at + MIN_LENGTH], ())
            ):
                return cut

    def line() -> bytes:
        words = [b"%b %b" % (rng.choice(_WORDS).encode(), beginning()) for _ in range(4)]
        return f"{_stamp(rng)} INFO orders.worker: ".encode() + b" ".join(words)

    return _text(line, patterns, rng)


def hits(text: bytes) -> int:
    """Return how many occurrences were put into a text of these lines."""
    return text.count(b"\n") // LINES_PER_HIT


def chunks(text: bytes, size: int = CHUNK) -> list[bytes]:
    """Return a text cut up as a reader of a pipe gets it."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def lines(text: bytes, size: int) -> list[bytes]:
    """Return pieces of one size that all end with a line: of every so many bytes the last is a newline."""
    return [piece[:-1] + b"\n" for piece in chunks(text.replace(b"\n", b" "), size) if len(piece) == size]


def _text(line: Callable[[], bytes], patterns: list[bytes], rng: random.Random) -> bytes:
    lines: list[bytes] = []
    size = 0
    while size < TEXT_SIZE:
        made = line()
        if len(lines) % LINES_PER_HIT == LINES_PER_HIT - 1:
            made += b" value=" + rng.choice(patterns) + b" end"
        lines.append(made)
        size += len(made) + 1
    return b"\n".join(lines) + b"\n"


def _stamp(rng: random.Random) -> str:
    return f"2026-11-22 10:{rng.randrange(60):02}:{rng.randrange(60):02},{rng.randrange(1000):03}"


def _line(rng: random.Random) -> str:
    stamp, level, number = _stamp(rng), rng.choice(_LEVELS), rng.getrandbits(64)
    one, other = rng.choices(_WORDS, k=2)
    words = " ".join(rng.choices(_WORDS, k=rng.randint(3, 9)))
    path = f"/api/v{number % 3 + 1}/{one}/{number % 99_991}"
    json = f'"event": "{words}", "path": "{path}", "trace_id": "{rng.getrandbits(128):032x}", "ms": {number % 5003}'
    task = f"dag_id={one}, run_id=scheduled__{number:016x}, try_number={number % 3 + 1}"
    return rng.choice(
        (
            f"{stamp} {level:7} {one}.{other}[{number % 32768}]: {words} id={number:016x}",
            f"{stamp} {level:7} [{one}-{number % 16}] {words} in {number % 5003} ms",
            f'  File "/srv/app/{one}/{other}.py", line {number % 997}, in {words.split()[0]}',
            f'10.{number % 251}.{number % 241}.7 - - [{stamp}] "GET {path}?page={number % 89}" 200 {len(words)}',
            f'{{"ts": "{stamp}", "level": "{level.lower()}", {json}}}',
            f"[{stamp}] {{taskinstance.py:{number % 2999}}} {level} - {words}. {task}",
        )
    )
