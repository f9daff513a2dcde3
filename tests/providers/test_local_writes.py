"""Writing local files: nothing lost by other writers, crashes, full disks or Ctrl-C, and nothing readable by others."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pyrage
import pytest
from unprivileged import NOBODY, as_nobody

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, Conflict, SecretNotFound, Unsupported
from tacenda.providers import _atomic_write
from tacenda.providers.local import LocalProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE = "example-do-not-show"
FORMATS = ["s.json", "s.yaml", "s.env"]


def provider(base: Path, path: str = "s.json") -> LocalProvider:
    return LocalProvider({"path": path}, base)


def change(base: Path, path: str = "s.json", **values: Any) -> None:
    provider(base, path).modify(path, lambda old: {**(old.value if old else {}), **values})  # type: ignore[dict-item]


def read(base: Path, path: str = "s.json") -> Any:
    return provider(base, path).read(path).value


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def left_over(base: Path, path: str = "s.json") -> list[str]:
    """Return what a write left behind beside the file and its lock."""
    return sorted(file.name for file in base.iterdir() if file.name not in (path, f"{path}.lock", "home"))


# -- whole documents -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_write_replaces_all(tmp_path: Path, name: str) -> None:
    """Writing the document itself replaces every name in it."""
    change(tmp_path, name, OLD="example")
    info = provider(tmp_path, name).write(name, {"NEW": "example"})
    assert read(tmp_path, name) == {"NEW": "example"}
    assert (info.name, info.backend, info.version) == (name, "local", None)


def test_create(tmp_path: Path) -> None:
    """`create` makes the file, and is a conflict when there is one, which stays."""
    provider(tmp_path).write("s.json", {"A": VALUE}, create=True)
    with pytest.raises(Conflict, match="exists already") as failure:
        provider(tmp_path).write("s.json", {"A": "other"}, create=True)
    assert read(tmp_path) == {"A": VALUE}
    assert VALUE not in str(failure.value)


@pytest.mark.parametrize("value", [VALUE, b"bytes"])
def test_a_file_is_no_single_value(tmp_path: Path, value: Any) -> None:
    """A whole file cannot be one text: it holds names."""
    with pytest.raises(Unsupported, match="one document of names and values"):
        provider(tmp_path).write("s.json", value)
    assert not (tmp_path / "s.json").exists()


def test_tags_are_refused(tmp_path: Path) -> None:
    """A file keeps no tags, and says so instead of dropping them."""
    with pytest.raises(Unsupported, match="cannot keep tags"):
        provider(tmp_path).write("s.json", {}, tags={"owner": "example"})


def test_delete(tmp_path: Path) -> None:
    """Deleting the document removes the file; a second time it is missing."""
    change(tmp_path, A="example")
    provider(tmp_path).delete("s.json")
    assert left_over(tmp_path) == []
    with pytest.raises(SecretNotFound, match="does not exist"):
        provider(tmp_path).delete("s.json")


@pytest.mark.parametrize("name", FORMATS)
def test_one_name_is_deleted_by_modify(tmp_path: Path, name: str) -> None:
    """Deleting one name leaves the others (S0.62)."""
    change(tmp_path, name, A="1", B="2", C="3")
    provider(tmp_path, name).modify(name, lambda old: {"A": "1", "C": "3"})
    assert read(tmp_path, name) == {"A": "1", "C": "3"}


def test_an_error_in_the_change_writes_nothing(tmp_path: Path) -> None:
    """What refuses a change leaves the file as it was, and unlocked."""
    change(tmp_path, A="example")

    def refuse(old: Any) -> Any:
        raise Conflict("no")

    with pytest.raises(Conflict):
        provider(tmp_path).modify("s.json", refuse)
    change(tmp_path, B="example")
    assert read(tmp_path) == {"A": "example", "B": "example"}
    assert left_over(tmp_path) == []


# -- dotenv: what a person wrote stays -----------------------------------------------------------------

ENV = """\
# Database

export DB_USER = example-user   # who we are
DB_PASSWORD='old # value' # rotate in May
 indented=1
EMPTY= # nothing yet
BARE
TWICE=1
TWICE=2

# Last
LAST="no line end"\
"""


def edited(base: Path, **values: str | None) -> str:
    (base / ".env").write_text(ENV)
    dropped = {name for name, value in values.items() if value is None}
    kept = {name: value for name, value in values.items() if value is not None}
    provider(base, ".env").modify(
        ".env",
        lambda old: {k: v for k, v in {**old.value, **kept}.items() if k not in dropped},  # type: ignore[union-attr,dict-item]
    )
    return (base / ".env").read_text()


def test_dotenv_change_in_place(tmp_path: Path) -> None:
    """A changed line keeps its place, `export` and comment; all others stay to the letter."""
    expected = ENV.replace("DB_USER = example-user", "DB_USER=other").replace("'old # value'", "'it\\'s # new'")
    assert edited(tmp_path, DB_USER="other", DB_PASSWORD="it's # new") == expected


def test_dotenv_values_appear_and_vanish(tmp_path: Path) -> None:
    """New names go to the end, dropped ones go with their line, comments stay."""
    text = edited(tmp_path, NEW="two words", DB_PASSWORD=None)
    assert text == ENV.replace("DB_PASSWORD='old # value' # rotate in May\n", "") + "\nNEW='two words'\n"


def test_dotenv_empty_values(tmp_path: Path) -> None:
    """An empty value with a comment, and a name without `=`, can be given a value."""
    text = edited(tmp_path, EMPTY="1", BARE="2", LAST="")
    expected = ENV.replace("EMPTY= #", "EMPTY=1 #").replace("BARE", "BARE=2").replace('LAST="no line end"', "LAST=")
    assert text == expected


def test_dotenv_last_of_several_changes(tmp_path: Path) -> None:
    """Of a name that stands twice, the one that counts is changed; dropping it drops both."""
    assert edited(tmp_path, TWICE="3") == ENV.replace("TWICE=2", "TWICE=3")
    assert edited(tmp_path, TWICE=None) == ENV.replace("TWICE=1\nTWICE=2\n", "")


def test_dotenv_line_ends_of_windows(tmp_path: Path) -> None:
    """A changed line keeps its own kind of line end."""
    (tmp_path / "s.env").write_bytes(b"A=1\r\nB=2\r\n")
    change(tmp_path, "s.env", A="3")
    assert (tmp_path / "s.env").read_bytes() == b"A=3\r\nB=2\r\n"


def test_no_change_is_no_difference(tmp_path: Path) -> None:
    """Writing what is there already leaves a dotenv file as it was."""
    assert edited(tmp_path) == ENV


def test_unspellable_name(tmp_path: Path) -> None:
    """A name that a dotenv file cannot hold is refused, with the way out, and the file stays."""
    (tmp_path / "s.env").write_text(ENV)
    with pytest.raises(Unsupported, match='exact value of "it\'s"') as failure:
        change(tmp_path, "s.env", **{"it's": VALUE})
    assert "keep the secrets in a .json file" in str(failure.value)
    assert VALUE not in str(failure.value)
    assert (tmp_path / "s.env").read_text() == ENV


def test_order_stays(tmp_path: Path) -> None:
    """JSON and YAML keep the order of names; new ones come last."""
    for name in ("s.json", "s.yaml"):
        change(tmp_path, name, Z="1", A="2")
        change(tmp_path, name, B="3", Z="4")
        assert list(read(tmp_path, name)) == ["Z", "A", "B"]


# -- who can read it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_private(tmp_path: Path, umask: int) -> None:
    """A new file and its lock are for their owner alone, whatever the umask."""
    before = os.umask(umask)
    try:
        change(tmp_path, A="example")
    finally:
        os.umask(before)
    assert mode(tmp_path / "s.json") == 0o600
    assert mode(tmp_path / "s.json.lock") == 0o600


@pytest.mark.parametrize(("old", "new"), [(0o644, 0o600), (0o666, 0o600), (0o600, 0o600), (0o200, 0o200)])
def test_an_open_mode_is_tightened(tmp_path: Path, old: int, new: int) -> None:
    """A file that others could read is private after the first write; a stricter mode stays."""
    change(tmp_path, A="example")
    (tmp_path / "s.json").chmod(old)
    if old & 0o400 or os.geteuid() == 0:
        change(tmp_path, B="example")
        assert mode(tmp_path / "s.json") == new


def test_the_content_is_never_in_an_open_file(tmp_path: Path) -> None:
    """Every file that a write makes on its way is private from its first moment, and beside its target."""
    seen: set[tuple[str, int]] = set()
    real_open = os.open

    def watched(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        descriptor = real_open(path, flags, mode, **options)
        if flags & os.O_CREAT and not str(path).endswith(".lock"):
            seen.add((str(Path(path).parent), stat.S_IMODE(os.fstat(descriptor).st_mode)))
            assert flags & os.O_EXCL
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", watched)
        change(tmp_path, A="example")
    assert seen == {(str(tmp_path), 0o600)}


def test_a_symlink_is_followed(tmp_path: Path) -> None:
    """A symlink to the file stays one; the file behind it is written, and locked under its own name."""
    (tmp_path / "real").mkdir()
    change(tmp_path / "real", A="example")
    (tmp_path / "s.json").symlink_to("real/s.json")
    change(tmp_path, B="example")
    assert (tmp_path / "s.json").is_symlink()
    assert read(tmp_path / "real") == {"A": "example", "B": "example"}
    assert not (tmp_path / "s.json.lock").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write other people's files")
def test_the_owner_stays(tmp_path: Path) -> None:
    """A file written by root stays its owner's, who could not read it otherwise."""
    change(tmp_path, A="example")
    os.chown(tmp_path / "s.json", NOBODY, NOBODY)
    change(tmp_path, B="example")
    assert (tmp_path / "s.json").stat().st_uid == NOBODY


# -- what goes wrong -----------------------------------------------------------------------------------


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
            _, errors = process.communicate(timeout=30)
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
