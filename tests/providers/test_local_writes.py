"""Writing local files: whole documents, one name of many, and nothing readable by others."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from local_file import FORMATS, VALUE, change, left_over, mode, provider, read
from unprivileged import NOBODY

from tacenda.errors import AccessDenied, Conflict, SecretNotFound, Unsupported

# -- whole documents ------------------------------------------------------------------------------------


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


# -- who can read it ------------------------------------------------------------------------------------


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
    readable = old & 0o400 or os.geteuid() == 0
    with contextlib.nullcontext() if readable else pytest.raises(AccessDenied):  # what cannot be read stays
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
