"""A secret as a file: private, exact, and gone when it is no longer used."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pathlib
import pickle
import stat
import threading

import pytest

from tacenda import Secret, SecretBundle, SecretBytes
from tacenda._values import natural
from tacenda.errors import InvalidReference, SecretError, Unsupported

ACCOUNT = '{\n  "type": "service_account",\n  "port": 5432,\n  "key": "-----EXAMPLE-----\\n"\n}\n'


@pytest.mark.parametrize(
    ("secret", "content"),
    [
        (Secret(" exact \r\n"), b" exact \r\n"),
        (Secret("p\u00e4ss"), b"p\xc3\xa4ss"),
        (Secret(""), b""),
        (SecretBytes(bytes(range(256))), bytes(range(256))),
        (natural(ACCOUNT), ACCOUNT.encode()),
        (natural('{"inner": {"a":  1}}')["inner"], b'{"a": 1}'),
        (SecretBundle({"n": None, "l": [1, "\u00e9"]}), '{"n": null, "l": [1, "é"]}'.encode()),
        (SecretBundle({"key": "example"})["key"], b"example"),
        (Secret("caf\udce9"), b"caf\xe9"),
    ],
    ids=["text", "utf-8", "empty", "bytes", "as stored", "inside", "made", "key", "undecodable"],
)
def test_content(secret, content):
    """The file holds the exact bytes, or the text as it was stored."""
    with secret.as_file() as path, open(path, "rb") as file:
        assert file.read() == content


def test_modes():
    """0600 in 0700 in 0700: nobody else reads it, or sees what there is."""
    with Secret("example").as_file() as path:
        file = pathlib.Path(path)
        modes = [stat.filemode(place.stat().st_mode) for place in (file, file.parent, file.parent.parent)]
        assert modes == ["-rw-------", "drwx------", "drwx------"]


@pytest.mark.parametrize("umask", ["0o000", "0o077", "0o777"])
def test_modes_whatever_the_umask(python, umask):
    """A loose umask does not open the file, a strict one does not lock its owner out."""
    code = f"""
import os, pathlib, stat
from tacenda import Secret
os.umask({umask})
with Secret("example").as_file() as path:
    file = pathlib.Path(path)
    print([oct(stat.S_IMODE(p.stat().st_mode)) for p in (file, file.parent, file.parent.parent)], file.read_text())
"""
    assert python(code) == "['0o600', '0o700', '0o700'] example\n"


def test_in_memory():
    """On Linux the file is on a tmpfs, never on a disk."""
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    if ["/dev/shm", "tmpfs"] not in mounts:
        pytest.skip("no /dev/shm here")
    with Secret("example").as_file() as path:
        assert path.startswith("/dev/shm/tacenda-files-")


def test_name():
    """Some libraries look at a file's name: it can be chosen, and two of one name are apart."""
    first, second = Secret("example-1").as_file("key.json"), Secret("example-2").as_file(name="key.json")
    with first, second:
        assert os.path.basename(first) == os.path.basename(second) == "key.json"
        assert (pathlib.Path(first).read_text(), pathlib.Path(second).read_text()) == ("example-1", "example-2")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/etc/passwd", "..\\b", "a\0b", "../x", "\ud83d", b"key", None, 7, pathlib.Path("k")]
)
def test_name_that_is_none(name):
    """A name cannot lead out of the private directory."""
    with pytest.raises(InvalidReference, match="is no file name"):
        Secret("example").as_file(name)


def test_name_that_is_too_long():
    """What the file system refuses is told in its words, and nothing is left behind."""
    with Secret("example").as_file() as path:
        before = os.listdir(pathlib.Path(path).parent.parent)
        with pytest.raises(SecretError, match="File name too long\n  next: pass the value itself") as caught:
            Secret("example-value").as_file("x" * 300)
        assert os.listdir(pathlib.Path(path).parent.parent) == before
    assert "example-value" not in str(caught.value)


def test_path_is_a_str():
    """Libraries take it for what it is, and a log of it shows where the file is, not what is in it."""
    with Secret("example-value").as_file() as path:
        assert isinstance(path, str)
        assert repr(path) == repr(str(path))
        assert os.fspath(path) == str(pathlib.Path(path)) == json.loads(json.dumps(path))
        assert pickle.loads(pickle.dumps(path)) == path
        assert type(pickle.loads(pickle.dumps(path))) is str
        assert copy.copy(path) is copy.deepcopy([path])[0] is path


def test_plain_path():
    """Without `with` the file stays, also when nobody holds the path object any more."""
    plain = str(Secret("example").as_file())
    assert pathlib.Path(plain).read_text() == "example"


@pytest.mark.parametrize("way", ["remove", "close"])
def test_removed_by_hand(way):
    """`remove()` ends it; twice is no error; `closing` and exit stacks can do it."""
    path = Secret("example").as_file()
    getattr(path, way)()
    assert not os.path.exists(os.path.dirname(path))
    path.remove()
    with contextlib.closing(Secret("example").as_file()) as closed:
        assert os.path.exists(closed)
    assert not os.path.exists(closed)


def test_removed_after_an_exception():
    """An error inside the `with` removes the file and reaches its catcher."""
    with pytest.raises(ZeroDivisionError), Secret("example").as_file() as path:
        raise ZeroDivisionError
    assert not os.path.exists(path)


def test_what_a_library_puts_beside_it():
    """A lock file or a backup that a library makes beside the file is removed with it."""
    with Secret("example").as_file() as path:
        pathlib.Path(path + ".bak").write_text("example")
    assert not os.path.exists(path + ".bak")


def test_many_files_in_threads():
    """Threads have files of their own, at the same time."""
    seen, barrier = [], threading.Barrier(8)

    def use(number):
        barrier.wait()
        for turn in range(25):
            with Secret(f"example-{number}-{turn}").as_file() as path:
                seen.append((path, pathlib.Path(path).read_text() == f"example-{number}-{turn}"))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path for path, _ in seen}) == 200
    assert all(right for _, right in seen)
    assert not [path for path, _ in seen if os.path.exists(path)]


@pytest.mark.parametrize(
    ("secret", "message"),
    [(SecretBundle({"key": b"\x00"}), "binary keys"), (Secret("example-\ud83d"), "half a surrogate pair")],
    ids=["binary keys", "no characters"],
)
def test_what_no_file_can_hold(secret, message):
    """It says so without the value, also in the exceptions behind the exception."""
    with pytest.raises(Unsupported, match=message) as caught:
        secret.as_file()
    assert caught.value.__context__ is None


FAULTS = """
import resource, traceback
from tacenda import Secret, errors
{before}
try:
    Secret("example-value" * 10_000).as_file()
except errors.SecretError as error:
    frames = list(traceback.walk_tb(error.__traceback__))
    shown = repr([frame.f_locals for frame, _ in frames if frame.f_code.co_name != "<module>"]) + str(error)
    print(type(error).__name__, error, "example-value" in shown)
{after}
"""


def test_no_space(python):
    """A full place is an error that says which and what to do; no half a file stays, no frame holds the value."""
    before = "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))"
    after = """
import os
from tacenda import _secret_directory
print(os.listdir(_secret_directory._Ours.path))
"""
    error, left = python(FAULTS.format(before=before, after=after)).rstrip().rsplit("\n", 1)
    assert error.startswith("SecretError cannot write a secret to a file in /")
    assert "File too large\n  next: make room there (docker run --shm-size" in error
    assert error.endswith("False")
    assert left == "[]"


def test_no_descriptors(python, tmp_path):
    """So is a process that may open no more files; nothing is left behind."""
    before = """
from tacenda import _secret_directory, _secret_file
import fcntl, os, tempfile
_secret_directory._MEMORY = "/nowhere"
tempfile.gettempdir()
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 100))
"""
    after = "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); print(os.listdir(tempfile.gettempdir()))"
    (tmp_path / "place").mkdir()
    said = python(FAULTS.format(before=before, after=after), TMPDIR=str(tmp_path / "place"))
    assert "cannot write a secret to a file in a private directory: Too many open files" in said
    assert said.endswith("False\n[]\n")


def test_nothing_is_imported_for_it(python):
    """A process that writes no file pays nothing for it."""
    code = """
import sys, tacenda
tacenda.Secret("x")
print([name for name in sys.modules if "_secret_" in name or "_reaper" in name])
"""
    assert python(code) == "[]\n"
