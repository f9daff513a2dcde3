"""Programs run as a user runs them, in a home of their own, and the search for values in all that they leave behind."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Characters from which on a value is found by what it says, not by accident."""


def run(*command: str | Path, home: Path, timeout: float = 150, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this environment and return the finished process, with all that it printed in `stdout`.

    Of the developer's own environment it gets nothing but the paths.

    Args:
        command: `python`, a script of this environment, or any program by its path, and the arguments.
        home: the directory that is its home and work directory, and holds its temporary files.
        timeout: after how many seconds it is killed, and the test failed.
        variables: environment variables; they go before those that are set here.
    """
    program, *arguments = map(str, command)
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    settings = {"HOME": str(home), "TMPDIR": str(temporary), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=home,
        env={**inherited, **settings, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=timeout,
        check=False,
    )


def places_of(
    values: str | Iterable[str],
    *directories: Path,
    output: str = "",
    since: float = 0,
    kept_in: Iterable[str] = (".secrets.json",),
) -> list[str]:
    """Return where values are, as they are or encoded: an output, and the files below directories.

    It knows nothing of tacenda, whose own search for leaks has the same mistakes as its masking.

    Args:
        values: the values; the beginning that longer ones have in common serves too.
        directories: where to search.
        output: what a program printed.
        since: the time from which on a file must have been written.
        kept_in: the names of the files that hold values on purpose.
    """
    sought = {form for value in ([values] if isinstance(values, str) else values) for form in forms(value)}
    below = [path for directory in directories for path in directory.rglob("*") if path.name not in set(kept_in)]
    files = [path for path in below if path.is_file() and path.lstat().st_mtime >= since]
    assert sought, "there is nothing to search for"
    assert files or not directories, "there is nothing to search"
    contents = {"the output": output.encode(), **{str(path): unpacked(path.read_bytes()) for path in files}}
    return [place for place, content in contents.items() if any(form in content for form in sought)]


def unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def forms(value: str) -> Iterator[bytes]:
    """Yield a value, and each longer line of it, as programs write them."""
    assert len(value) >= SHORTEST, "too short to be searched for"
    for text in {value, *(line for line in value.splitlines() if len(line) >= SHORTEST)}:
        data = text.encode()
        yield data
        yield from (text.encode("utf-16-le"), text.encode("utf-16-be"))
        yield from (data.hex().encode(), data.hex().upper().encode())
        yield from (written.encode() for written in (quote(text), quote(text, safe=""), quote_plus(text)))
        yield from (json.dumps(text, ensure_ascii=escaped)[1:-1].encode() for escaped in (True, False))
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield from (core(encode, before, data) for before in range(3))


def core(encode, before: int, data: bytes) -> bytes:
    """Return those characters of base64 that say what data is, however many bytes are before and after it."""
    return encode(bytes(before) + data)[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
