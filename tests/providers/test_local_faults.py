"""Writing local files when something goes wrong: nothing lost by other writers, full disks, Ctrl-C or kill."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import pyrage
import pytest
from local_file import FORMATS, VALUE, change, left_over, mode, provider, read
from unprivileged import as_nobody

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError
from tacenda.providers import _atomic_write
from tacenda.providers.local import LocalProvider

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_read_only_file(tmp_path: Path) -> None:
    """A file without the write bit is not written, by root neither (it could, by replacing it)."""
    change(tmp_path, A="example")
    (tmp_path / "s.json").chmod(0o400)
    for attempt in (lambda: change(tmp_path, B=VALUE), lambda: provider(tmp_path).delete("s.json")):
        with pytest.raises(AccessDenied, match=r"s\.json is read-only \(mode 0400\)") as failure:
            attempt()
        assert "chmod u+w" in str(failure.value)
        assert VALUE not in str(failure.value)
    assert read(tmp_path) == {"A": "example"}
    assert left_over(tmp_path) == []


def test_read_only_directory(tmp_path: Path) -> None:
    """A directory without the write bit is respected as well, and nothing is left in it."""
    base = tmp_path / "base"
    base.mkdir()
    change(base, A="example")
    base.chmod(0o500)
    try:
        with pytest.raises(AccessDenied, match=r"base is read-only \(mode 0500\)"):
            change(base, B="example")
        assert read(base) == {"A": "example"}
        assert left_over(base) == []
    finally:
        base.chmod(0o700)


def test_somebody_elses_directory() -> None:
    """A directory that this user may not write is denied, with the file untouched."""
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        change(base, A="example")
        (base / "s.json").chmod(0o644)
        base.chmod(0o755 if os.geteuid() == 0 else 0o555)
        try:
            with as_nobody(), pytest.raises(AccessDenied):
                change(base, B="example")
        finally:
            base.chmod(0o700)
        assert read(base) == {"A": "example"}
        assert left_over(base) == []


def test_missing_directory(tmp_path: Path) -> None:
    """A file in a directory that does not exist is not written anywhere else; the error says what to create."""
    with pytest.raises(ConfigurationError, match="there is no directory") as failure:
        change(tmp_path, "conf/s.json", A="example")
    assert "mkdir -p" in str(failure.value)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the operating system refuse what grows a file beyond a size, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", FORMATS)
def test_no_room(tmp_path: Path, name: str) -> None:
    """When the operating system takes no more, the old content is intact, nothing is left, nothing is retried."""
    change(tmp_path, name, A="example")
    before = (tmp_path / name).read_bytes()
    with largest_file(4096), pytest.raises(BackendUnavailable, match="what was there before is unchanged") as failure:
        change(tmp_path, name, B=VALUE * 10_000)
    assert failure.value.retry_for == 0
    assert failure.value.__context__ is None
    assert VALUE not in str(failure.value)
    assert (tmp_path / name).read_bytes() == before
    assert left_over(tmp_path, name) == []
    change(tmp_path, name, B="example")


FULL_DISK = """
    import os, sys
    from pathlib import Path
    from tacenda.errors import BackendUnavailable
    from tacenda.providers.local import LocalProvider

    base = Path(sys.argv[1])
    provider = LocalProvider({"path": "s.json"}, base)
    provider.write("s.json", {"A": "example"})
    try:
        provider.write("s.json", {"A": "x" * 200_000})
    except BackendUnavailable as error:
        print(error.message)
    print(provider.read("s.json").value, sorted(os.listdir(base)))
"""


@pytest.mark.extra
def test_full_disk(tmp_path: Path) -> None:
    """The same on a real filesystem of 64 KiB, in a mount namespace of its own (needs the right to make one)."""
    script = tmp_path / "full.py"
    script.write_text(textwrap.dedent(FULL_DISK))
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"mount -t tmpfs -o size=64k none {disk} && exec {sys.executable} {script} {disk}"
    run = subprocess.run(["unshare", "-Urm", "sh", "-c", command], capture_output=True, text=True, check=True)
    assert f"cannot write {disk}/s.json: No space left on device" in run.stdout
    assert run.stdout.splitlines()[-1] == "{'A': 'example'} ['s.json', 's.json.lock']"


def test_locked_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never lets go makes the others give up in time, and say whom to look for."""
    monkeypatch.setattr(_atomic_write, "LOCK_TIMEOUT", 0.1)
    change(tmp_path, A="example")
    holder = (
        "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, tmp_path / "s.json.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        with pytest.raises(BackendUnavailable, match="another process has kept") as failure:
            change(tmp_path, B="example")
        assert "fuser" in str(failure.value)
        process.communicate("\n")
    change(tmp_path, B="example")
    assert read(tmp_path) == {"A": "example", "B": "example"}


def test_the_lock_is_the_files_own(tmp_path: Path) -> None:
    """Other programs can keep writers away by locking `<file>.lock`, and readers are not kept away."""
    change(tmp_path, A="example")
    with filelock.FileLock(tmp_path / "s.json.lock"):
        assert read(tmp_path) == {"A": "example"}


WRITER = """
    import sys
    from pathlib import Path
    from tacenda.providers.local import LocalProvider

    base, path, number, identity = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    provider = LocalProvider({"path": path, "identity": identity}, base)
    sys.stdin.read()  # until all are ready
    for turn in range(5):
        provider.modify(path, lambda old: {**(old.value if old else {}), f"W{number}_{turn}": "example"})
"""


@pytest.mark.parametrize("name", [*FORMATS, "s.json.age"])
def test_16_writers_lose_nothing(tmp_path: Path, name: str) -> None:
    """16 processes that write one file at once, five times each, all find everything in it."""
    (tmp_path / "key.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    processes = [
        subprocess.Popen(
            [sys.executable, script, tmp_path, name, str(number), tmp_path / "key.txt"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(16)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        assert process.stderr is not None
        with process.stderr as stderr:
            errors = stderr.read()
        assert process.wait(60) == 0, errors
    reader = LocalProvider({"path": name, "identity": "key.txt"}, tmp_path)
    assert set(reader.read(name).value) == {f"W{number}_{turn}" for number in range(16) for turn in range(5)}


INTERRUPTED = """
    import sys
    from pathlib import Path
    from tacenda.providers.local import LocalProvider

    base = Path(sys.argv[1])
    provider = LocalProvider({"path": "s.json"}, base)
    fill = {f"K{number}": "example" * 50 for number in range(200)}
    turn = 0
    while True:
        turn += 1
        provider.write("s.json", {**fill, "TURN": str(turn)})
        if turn == 1:
            print("ready", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_interrupted(tmp_path: Path, how: signal.Signals) -> None:
    """Whenever a writer is interrupted, the file is whole, and free; after Ctrl-C nothing is left beside it."""
    script = tmp_path / "interrupted.py"
    script.write_text(textwrap.dedent(INTERRUPTED))
    base = tmp_path / "base"
    base.mkdir()
    for delay in range(12):
        with subprocess.Popen(
            [sys.executable, script, base], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.002 + delay * 0.0007)
            process.send_signal(how)
            try:
                _, errors = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:  # Python ignores a Ctrl-C that falls into a finalizer: press it again
                process.send_signal(how)
                _, errors = process.communicate(timeout=10)
        assert len(read(base)) == 201
        if how is signal.SIGINT:
            assert "KeyboardInterrupt" in errors
            assert left_over(base) == []
        change(base, AFTER="example")
    for file in base.iterdir():
        assert mode(file) == 0o600


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While somebody writes, every read is whole: the old file or the new one."""
    script = tmp_path / "interrupted.py"
    script.write_text(textwrap.dedent(INTERRUPTED))
    base = tmp_path / "base"
    base.mkdir()
    with subprocess.Popen([sys.executable, script, base], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            turns = {read(base)["TURN"] for _ in range(200)}
        finally:
            process.kill()
    assert len(turns) > 1


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_truncated_file_is_not_written_over(tmp_path: Path, cut: int) -> None:
    """A file that somebody else truncated is refused, not replaced by the one new name."""
    change(tmp_path, A="example", B="example", C="example")
    whole = (tmp_path / "s.json").read_bytes()
    (tmp_path / "s.json").write_bytes(whole[:-cut] if cut < len(whole) else whole[:1])
    before = (tmp_path / "s.json").read_bytes()
    if cut == 1:
        before = json.dumps(["no mapping"]).encode()
        (tmp_path / "s.json").write_bytes(before)
    with pytest.raises(ConfigurationError, match="tacenda has left it as it is"):
        change(tmp_path, D="example")
    assert (tmp_path / "s.json").read_bytes() == before
