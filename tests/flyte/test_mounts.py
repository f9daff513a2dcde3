"""Mounted files: private, exact, at the documented path for Python's own functions, and gone afterwards."""

from __future__ import annotations

import builtins
import io
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from tacenda.errors import Conflict
from tacenda_flyte._private_directory import PrivateDirectory, is_private
from tacenda_flyte.flyte import _documented_path
from tacenda_flyte.flyte._documented_path import link
from tacenda_flyte.flyte._redirect import Redirect

pytestmark = pytest.mark.flyte


@pytest.fixture
def redirected(tmp_path):
    """Redirect /nowhere/in/etc/token to a file."""
    there = tmp_path / "private" / "token"
    there.parent.mkdir()
    there.write_bytes(b"exact \r\n\xff")
    remove = Redirect("/nowhere/in/etc").add("token", str(there))
    yield "/nowhere/in/etc/token"
    remove()


WAYS = {
    "open": lambda path: open(path, "rb").read(),
    "open by keyword": lambda path: open(file=path, mode="rb").read(),
    "io.open": lambda path: io.open(path, "rb").read(),
    "os.open": lambda path: os.read(os.open(path, os.O_RDONLY), 100),
    "pathlib": lambda path: pathlib.Path(path).read_bytes(),
    "pathlib.open": lambda path: pathlib.Path(path).open("rb").read(),
    "bytes": lambda path: open(os.fsencode(path), "rb").read(),
    "shutil": lambda path: pathlib.Path(shutil.copy(path, os.environ["COPY_TO"])).read_bytes(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_reading(redirected, tmp_path, monkeypatch, way) -> None:
    """S2.16: a hard-coded path reads in every usual way, byte for byte."""
    monkeypatch.setenv("COPY_TO", str(tmp_path / "copy"))
    assert WAYS[way](redirected) == b"exact \r\n\xff"


def test_looking(redirected) -> None:
    """S2.16: the path exists, is a file, has a size, and is listed."""
    path = pathlib.Path(redirected)
    assert path.exists()
    assert path.is_file()
    assert not path.is_symlink()
    assert os.path.getsize(redirected) == 9
    assert os.access(redirected, os.R_OK)
    assert os.listdir(path.parent) == os.listdir(f"{path.parent}/") == ["token"]
    assert [entry.name for entry in os.scandir(path.parent)] == ["token"]
    assert [item.name for item in path.parent.iterdir()] == ["token"]
    assert not path.with_name("other").exists()


def test_functions_pass_for_the_real_ones(redirected) -> None:
    """Other code finds what it expects of a builtin: no method when kept in a class, equal in `os`'s sets."""

    class Keeps:
        opener = open

    with Keeps().opener(redirected, "rb") as file:
        assert file.read(5) == b"exact"
    assert os.stat in os.supports_dir_fd
    assert os.stat in os.supports_follow_symlinks
    assert open.__name__ == "open"
    assert repr(os.stat) == "<built-in function stat>"


def test_other_paths_and_descriptors(redirected, tmp_path) -> None:
    """Everything else is as ever."""
    (tmp_path / "plain").write_text("plain")
    descriptor = os.open(tmp_path / "plain", os.O_RDONLY)
    assert os.stat(descriptor).st_size == 5
    with open(descriptor) as file:
        assert file.read() == "plain"
    with pytest.raises(FileNotFoundError):
        open("/nowhere/in/etc/other")
    assert os.listdir()


def test_functions_come_back(tmp_path) -> None:
    """When nothing is redirected, Python's functions are its own."""
    before = builtins.open, io.open, os.open, os.stat, os.lstat, os.scandir
    redirect = Redirect("/nowhere")
    first, second = redirect.add("a", str(tmp_path / "a")), redirect.add("b", str(tmp_path / "b"))
    first()
    assert type(os.stat) is not type(before[3])
    second()
    assert all(
        map(lambda one, other: one is other, before, (builtins.open, io.open, os.open, os.stat, os.lstat, os.scandir))
    )


def test_wrapped_by_others(tmp_path, monkeypatch) -> None:
    """Who has wrapped our function keeps the wrapper, which works, and redirects nothing any more."""
    (tmp_path / "a").write_text("here")
    monkeypatch.setattr(os, "stat", os.stat)  # what it is goes back there after the test
    remove = Redirect("/nowhere").add("a", str(tmp_path / "a"))
    ours = os.stat

    def theirs(*args, **options):
        return ours(*args, **options)

    os.stat = theirs
    assert os.stat("/nowhere/a").st_size == 4
    remove()
    assert os.stat is theirs
    assert os.stat(tmp_path / "a").st_size == 4
    with pytest.raises(FileNotFoundError):
        os.stat("/nowhere/a")


def test_private_file() -> None:
    """S2.13: 0400 in a directory of 0700, in memory where there is one, gone with the last file."""
    directory = PrivateDirectory()
    first, second = directory.put("a", b"one"), directory.put("b", b"two")
    path = directory.path
    assert [oct(item.stat().st_mode & 0o777) for item in (path, path / "a")] == ["0o700", "0o400"]
    if os.path.ismount("/dev/shm"):
        assert path.parent.parent == pathlib.Path("/dev/shm")
    first()
    assert (path / "b").read_bytes() == b"two"
    second()
    assert not path.exists()


KILLED = """
import sys, time
from tacenda_flyte._private_directory import PrivateDirectory
directory = PrivateDirectory()
directory.put("a", b"example-killed")
print(directory.path, flush=True)
time.sleep(60)
"""


def test_killed_process_is_cleaned_up_after() -> None:
    """What a killed process had to leave is removed, without another one; what a living one has stays."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    path = pathlib.Path(process.stdout.readline().strip())
    PrivateDirectory().put("a", b"1")()
    assert path.exists()
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while path.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not path.parent.exists()


def test_exit_cleans_up() -> None:
    """A process that ends while a task runs, in a thread that nobody waits for, removes its files."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED.replace("time.sleep(60)", "")], capture_output=True, text=True, check=True
    )
    assert not os.path.exists(done.stdout.strip())


def test_forked_child_leaves_the_files_alone() -> None:
    """A child ends its copy of the task, and its parent still needs the files."""
    directory = PrivateDirectory()
    remove = directory.put("a", b"1")
    child = os.fork()
    if not child:
        remove()
        os._exit(0)
    os.waitpid(child, 0)
    assert (directory.path / "a").exists()
    remove()


def test_link(tmp_path) -> None:
    """S2.15: where this user may write, the documented path is there for every program, directories too, and goes."""
    target = tmp_path / "target"
    target.write_text("x")
    first = link(tmp_path / "etc" / "flyte" / "a", target)
    second = link(tmp_path / "etc" / "flyte" / "b", target)
    assert subprocess.check_output(["cat", tmp_path / "etc/flyte/a"]) == b"x"
    first()
    assert (tmp_path / "etc" / "flyte" / "b").exists()
    second()
    assert not (tmp_path / "etc").exists()
    assert _documented_path._MADE == []


def test_link_beside_others(tmp_path) -> None:
    """A dead link is replaced; the same content of a living process may stay; another content is refused."""
    target, path = tmp_path / "target", tmp_path / "path"
    target.write_text("mine")
    path.symlink_to(tmp_path / "gone")
    link(path, target)()
    assert not os.path.lexists(path)
    path.write_text("mine")
    link(path, target)()
    assert path.read_text() == "mine"
    path.write_text("other")
    with pytest.raises(Conflict, match="another content by another process"):
        link(path, target)
    assert path.read_text() == "other"


def test_link_where_nobody_may_write(tmp_path) -> None:
    """Without rights there is no link, and no error: the redirected functions serve."""
    link(pathlib.Path("/proc/nowhere/token"), tmp_path)()


def test_links_of_ours_are_told(tmp_path) -> None:
    """A link into a private directory is never taken for what a cluster has mounted."""
    (tmp_path / "ours").symlink_to("/dev/shm/tacenda-files-abc/def/token")
    (tmp_path / "theirs").symlink_to("/run/secrets/token")
    (tmp_path / "file").write_text("x")
    assert [is_private(str(tmp_path / name)) for name in ("ours", "theirs", "file", "none")] == [
        True,
        False,
        False,
        False,
    ]


def test_forked_child_leaves_the_link_alone(tmp_path) -> None:
    """A child that ends by an exception leaves what its parent has linked."""
    target = tmp_path / "target"
    target.write_text("example")
    remove = link(tmp_path / "missing" / "token", target)
    child = os.fork()
    if not child:
        try:
            remove()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "missing" / "token").read_text() == "example"
    remove()
    assert not (tmp_path / "missing").exists()


def test_forked_child_has_a_directory_of_its_own() -> None:
    """What a child mounts goes when it is not needed any more, although its parent has a directory."""
    directory = PrivateDirectory()
    remove = directory.put("one", b"1")
    child = os.fork()
    if not child:
        try:
            undo = directory.put("two", b"2")
            mine = directory.path
            undo()
            os._exit(int(mine.exists()))
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert directory.path.joinpath("one").read_bytes() == b"1"
    remove()
