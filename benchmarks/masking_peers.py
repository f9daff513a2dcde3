"""What the masker is measured against, each behind one function: made from patterns, it goes over chunks of bytes.

Airflow and `bytes.replace` give masked output; ahocorasick_rs and hyperscan only say where the hits are, which is less
work. memcpy is the floor: the chunk is copied.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

from tacenda.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Callable

    Scan = Callable[[list[bytes]], object]
    Build = Callable[[list[bytes]], Scan]

TOKEN = b"[masked]"


def prepare(arguments: list[str]) -> None:
    """Have numpy imported, and hyperscan found by the masker, if the arguments say so; otherwise keep it from both."""
    if "numpy" in arguments:
        importlib.import_module("numpy")
    else:
        sys.modules["numpy"] = None  # type: ignore[assignment]
    if "hyperscan" not in arguments:
        _hyperscan_library()  # for the peer
        sys.modules["hyperscan"] = None  # type: ignore[assignment]


def masker(values: list[bytes]) -> Masker:
    """Return our masker with these values registered one at a time."""
    made = Masker()
    for value in values:
        made.add(value)
    return made


def ours(made: Masker) -> Scan:
    """Return our stream: bytes in, masked bytes out."""

    def scan(chunks: list[bytes]) -> list[bytes]:
        stream = made.stream()
        return [*map(stream.write, chunks), stream.flush()]

    return scan


def airflow(patterns: list[bytes]) -> Scan:
    """Return the `redact` of Airflow's task SDK. It knows only text, so bytes are read as Latin-1."""
    made = airflow_masker(patterns)

    def scan(chunks: list[bytes]) -> list[bytes]:
        return [made.redact(chunk.decode("latin-1")).encode("latin-1") for chunk in chunks]

    return scan


def airflow_masker(patterns: list[bytes]) -> Any:
    """Return Airflow's masker with patterns that were registered all at once, which it cannot do by itself."""
    made = importlib.import_module("airflow.sdk._shared.secrets_masker").SecretsMasker()
    texts = [pattern.decode("latin-1") for pattern in patterns]
    made.secret_mask_adapter = lambda _: texts
    made.add_mask(texts[0])
    made.secret_mask_adapter = None
    return made


def ahocorasick(patterns: list[bytes]) -> Scan:
    """Return ahocorasick_rs, overlapping hits included."""
    found = importlib.import_module("ahocorasick_rs").BytesAhoCorasick(patterns).find_matches_as_indexes
    return lambda chunks: [found(chunk, overlapping=True) for chunk in chunks]


def hyperscan(patterns: list[bytes]) -> Scan:
    """Return hyperscan in block mode, which misses a value that is split over two chunks."""
    scan_block, report = hyperscan_block(patterns)

    def scan(chunks: list[bytes]) -> None:
        for chunk in chunks:
            scan_block(chunk, match_event_handler=report)

    return scan


def hyperscan_block(patterns: list[bytes]) -> tuple[Any, Callable[..., None]]:
    """Return hyperscan's scan of one chunk, and a handler that keeps where a hit starts and ends."""
    return _hyperscan(patterns, "HS_MODE_BLOCK").scan, _reporter()


def hyperscan_stream(patterns: list[bytes]) -> Scan:
    """Return hyperscan in streaming mode, which reports a value once it is complete: its beginning is out by then."""
    database = _hyperscan(patterns, "HS_MODE_STREAM", "HS_MODE_SOM_HORIZON_LARGE")
    report = _reporter()

    def scan(chunks: list[bytes]) -> None:
        with database.stream(match_event_handler=report) as stream:
            for chunk in chunks:
                stream.scan(chunk)

    return scan


def replace(patterns: list[bytes]) -> Scan:
    """Return `bytes.replace` in turn, longest first, which leaves the tails of overlapping values."""
    longest_first = sorted(patterns, key=len, reverse=True)

    def scan(chunks: list[bytes]) -> list[bytes]:
        return [_replaced(chunk, longest_first) for chunk in chunks]

    return scan


def memcpy(_: list[bytes]) -> Scan:
    """Return a copy of each chunk into the same place."""
    place = memoryview(bytearray(1 << 16))

    def scan(chunks: list[bytes]) -> None:
        for chunk in chunks:
            place[: len(chunk)] = chunk

    return scan


PEERS: dict[str, Build] = {
    "Airflow": airflow,
    "bytes.replace": replace,
    "ahocorasick_rs": ahocorasick,
    "hyperscan, block": hyperscan,
    "hyperscan, streaming": hyperscan_stream,
    "memcpy": memcpy,
}


def built(name: str, patterns: list[bytes]) -> Scan | None:
    """Return a peer made from patterns, or None if it is not installed: not every system has a wheel of it."""
    try:
        return PEERS[name](patterns)
    except ImportError:
        return None


def _replaced(chunk: bytes, patterns: list[bytes]) -> bytes:
    for pattern in patterns:
        chunk = chunk.replace(pattern, TOKEN)
    return chunk


@functools.cache
def _hyperscan_library() -> Any:
    try:
        return importlib.import_module("hyperscan")
    except ImportError:
        return None


def _hyperscan(patterns: list[bytes], *modes: str) -> Any:
    library = _hyperscan_library()
    if library is None:
        raise ImportError("no hyperscan here")
    database = library.Database(mode=sum(getattr(library, mode) for mode in modes))
    database.compile(
        # Its literals are text, without zero bytes.
        expressions=[b"".join(b"\\x%02x" % byte for byte in pattern) for pattern in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[library.HS_FLAG_SOM_LEFTMOST] * len(patterns),
    )
    return database


def _reporter() -> Callable[..., None]:
    found: list[tuple[int, int]] = []

    def report(_pattern: int, start: int, end: int, _flags: int, _context: object) -> None:
        found.append((start, end))

    return report
