"""The provider `files`: mounted secrets as Kubernetes writes them, rotation, and no way out of the mount."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unprivileged import as_nobody, unreadable

from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    InvalidReference,
    SecretNotFound,
    Unsupported,
)
from tacenda.providers import files
from tacenda.providers.files import FilesProvider

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "mount"
    directory.mkdir()
    return directory


def provider(root: Path | str, **settings: str) -> FilesProvider:
    return FilesProvider({"path": str(root), **settings}, Path("/nonexistent"))


def names(root: Path, prefix: str = "", **settings: str) -> list[str]:
    return [info.name for info in provider(root, **settings).list(prefix)]


def put(root: Path, **contents: str | bytes) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def mount_version(volume: Path, version: str, contents: Mapping[str, str]) -> None:
    """Write a volume as the kubelet's AtomicWriter does: a new directory, then `..data` turned to it at once."""
    old = os.readlink(volume / "..data") if (volume / "..data").is_symlink() else None
    put(volume / f"..{version}", **contents)
    (volume / "..data_tmp").symlink_to(f"..{version}")
    (volume / "..data_tmp").rename(volume / "..data")
    for name in contents:
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")
    if old is not None:
        for file in (volume / old).iterdir():
            file.unlink()
        (volume / old).rmdir()


# -- what is read --------------------------------------------------------------------------------------


def test_a_file_is_text(root: Path) -> None:
    """A mounted file is one text secret."""
    put(root, token="example-token")
    assert provider(root).read("token").value == "example-token"


def test_a_directory_is_a_bundle(root: Path) -> None:
    """A Kubernetes secret mounted as a directory is one secret with a key for each file (S4.32)."""
    put(root / "db", USER="example-user", PASSWORD="example-password")
    assert provider(root).read("db").value == {"USER": "example-user", "PASSWORD": "example-password"}


def test_names_with_slashes(root: Path) -> None:
    """Folders above a secret are part of its name; they are in nobody's bundle."""
    put(root / "team" / "db", USER="example-user")
    put(root / "team", note="example-note")
    assert provider(root).read("team/db").value == {"USER": "example-user"}
    assert provider(root).read("team/db/USER").value == "example-user"
    assert provider(root).read("team").value == {"note": "example-note"}


@pytest.mark.parametrize("content", ["", " padded ", "line\n", "\r\nwindows\r\n", "käse ☃", '{"a": 1}\n', "\ufeffbom"])
def test_text_is_exact(root: Path, content: str) -> None:
    """No byte of a file is stripped, translated or added (S2.17)."""
    put(root, secret=content)
    assert provider(root).read("secret").value == content


def test_what_is_no_utf8_is_bytes(root: Path) -> None:
    """Certificates and keystores arrive byte for byte, alone and inside a bundle (S4.16)."""
    content = bytes(range(256)) * 800
    put(root, keystore=content)
    put(root / "tls", key=content)
    assert provider(root).read("keystore").value == content
    assert provider(root).read("tls").value == {"key": content}


def test_escaped_names(root: Path) -> None:
    """A name with characters that a reference has to escape is found."""
    put(root, **{"a#b c?": "example"})
    (place,) = provider(root).places("a#b c?")
    assert provider(root).read(place.path).value == "example"


def test_a_new_file_is_seen_at_once(root: Path) -> None:
    """The provider keeps nothing: what the platform writes now is read now."""
    reader = provider(root)
    with pytest.raises(SecretNotFound):
        reader.read("late")
    put(root, late="example")
    assert reader.read("late").value == "example"


def test_a_folder_without_files_is_missing(root: Path) -> None:
    """A folder that is only part of other secrets' names is no secret, and hides none further down the chain."""
    put(root / "team" / "db", USER="example-user")
    with pytest.raises(SecretNotFound):
        provider(root).read("team")
    assert names(root) == ["team/db"]


# -- file_prefix ---------------------------------------------------------------------------------------


def test_file_prefix(root: Path) -> None:
    """`file_prefix: p_` means that group g, key k is the file g/p_k, as flytekit has it (S4.38)."""
    put(root / "g", p_k="example", other="no secret")
    put(root, p_single="example-single", single="no secret")
    reader = provider(root, file_prefix="p_")
    assert reader.read("g").value == {"k": "example"}
    assert reader.read("g/k").value == "example"
    assert reader.read("single").value == "example-single"
    assert names(root, file_prefix="p_") == ["single", "g"]


def test_file_prefix_hides_files_without_it(root: Path) -> None:
    """A file without the prefix is no secret of this stack."""
    put(root, plain="example")
    with pytest.raises(SecretNotFound):
        provider(root, file_prefix="p_").read("plain")


# -- where it looks ------------------------------------------------------------------------------------


def test_default_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `path`, flytekit's directory comes first and Flyte 2's second; either may be missing (S4.36)."""
    assert files.DEFAULT_DIRECTORIES == ("/etc/secrets", "/etc/flyte/secrets")
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(files, "DEFAULT_DIRECTORIES", (str(first), str(second)))
    reader = FilesProvider({}, tmp_path)
    assert list(reader.list("")) == []
    put(second, both="two", only="two")
    assert reader.read("both").value == "two"
    put(first, both="one")
    assert [reader.read(name).value for name in ("both", "only")] == ["one", "two"]
    assert [info.name for info in reader.list("")] == ["both", "only"]


def test_a_relative_path_starts_at_the_configuration(tmp_path: Path) -> None:
    """`path: secrets` is beside tacenda.yaml, wherever the program was started."""
    put(tmp_path / "secrets", token="example")
    assert FilesProvider({"path": "secrets"}, tmp_path).read("token").value == "example"


def test_home_is_expanded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home directory."""
    monkeypatch.setenv("HOME", str(root))
    put(root / "secrets", token="example")
    assert provider("~/secrets").read("token").value == "example"


def test_missing_file(root: Path) -> None:
    """A missing secret is told from a missing mount."""
    with pytest.raises(SecretNotFound, match=r"no file 'db/USER' \(.*mount: no such file\)"):
        provider(root).read("db/USER")


def test_missing_directory(tmp_path: Path) -> None:
    """A mount that is not there says so for every secret, and in a check."""
    reader = provider(tmp_path / "absent")
    with pytest.raises(SecretNotFound, match=r"absent: the directory does not exist"):
        reader.read("token")
    with pytest.raises(SecretNotFound, match="absent does not exist"):
        list(reader.list(""))
    with pytest.raises(ConfigurationError, match="is not a directory"):
        reader.check()


def test_check_passes_where_the_directory_is(root: Path) -> None:
    """A check of a mount that is there raises nothing, nor does one without `path` on a laptop."""
    provider(root).check()
    FilesProvider({}, root).check()


# -- no way out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../outside", "a/../../outside", "/etc/hostname", "a//b", "./a", "a/.", "..data/a", "..", "a\x00b", "a/"]
)
def test_traversal_is_refused(root: Path, name: str) -> None:
    """A name that could lead out of the mount, or into its inner workings, is refused before anything is opened."""
    put(root.parent, outside="example-outside")
    put(root, a="example")
    (place,) = provider(root).places(name)
    with pytest.raises(InvalidReference, match="cannot be a mounted file"):
        provider(root).read(place.path)


def test_an_escaped_slash_does_not_separate(root: Path) -> None:
    """`..%2Foutside` is refused too."""
    with pytest.raises(InvalidReference):
        provider(root).read("..%2Foutside")
    with pytest.raises(InvalidReference):
        provider(root).read("a%2F..%2F..%2Foutside")


@pytest.mark.parametrize("target", ["../outside", "/etc/hostname"])
def test_a_symlink_out_of_the_mount_is_refused(root: Path, target: str) -> None:
    """A planted symlink does not make other files readable, by itself or inside a bundle."""
    put(root.parent, outside="example-outside")
    put(root / "bundle", fine="example")
    (root / "link").symlink_to(target)
    (root / "bundle" / "link").symlink_to(Path("..") / target if target.startswith("..") else target)
    for name in ("link", "bundle", "bundle/link"):
        with pytest.raises(InvalidReference, match="leads out of"):
            provider(root).read(name)
    assert names(root) == ["bundle"]


def test_a_symlinked_folder_out_of_the_mount_is_refused(root: Path) -> None:
    """A symlink in the middle of a path counts as well."""
    put(root.parent / "elsewhere", token="example")
    (root / "folder").symlink_to(root.parent / "elsewhere")
    with pytest.raises(InvalidReference, match="leads out of"):
        provider(root).read("folder/token")
    assert names(root) == []


def test_symlinks_within_the_mount_work(root: Path) -> None:
    """A symlink that stays inside is an ordinary name."""
    put(root, real="example")
    (root / "alias").symlink_to("real")
    assert provider(root).read("alias").value == "example"


def test_the_mount_itself_may_be_a_symlink(root: Path) -> None:
    """`path` may lead through a symlink: that is the administrator's own choice."""
    put(root, token="example")
    (root.parent / "link").symlink_to(root)
    assert provider(root.parent / "link").read("token").value == "example"


def test_a_symlink_that_leads_back_up_does_not_hang_a_listing(root: Path) -> None:
    """A loop of directories is listed once."""
    put(root / "db", USER="example")
    (root / "db" / "up").symlink_to("..")
    assert names(root) == ["db"]


def test_what_is_no_file_is_missing(root: Path) -> None:
    """A socket or pipe in the mount is no secret, and reading it does not block."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        for name in ("pipe", "socket"):
            with pytest.raises(SecretNotFound):
                provider(root).read(name)
        assert names(root) == []


def test_unreadable() -> None:
    """A file that this user may not read is denied, never missing."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        put(root, token="example")
        root.chmod(0o755)
        (root / "token").chmod(0)
        with as_nobody(), pytest.raises(AccessDenied, match=r"cannot (read|look at) .*token: Permission denied"):
            provider(root).read("token")
        with unreadable(root), pytest.raises(AccessDenied):
            list(provider(root).list(""))


def test_a_mount_that_cannot_be_asked_is_not_missing(root: Path) -> None:
    """A broken mount (here: a symlink to itself) is unavailable, so that no default value takes its place."""
    (root / "loop").symlink_to("loop")
    for broken in (
        lambda: provider(root / "loop").read("token"),
        lambda: provider(root).read("loop"),
        lambda: names(root),
    ):
        with pytest.raises(BackendUnavailable, match=r"cannot look at .*loop"):
            broken()


# -- rotation ------------------------------------------------------------------------------------------


def test_kubernetes_layout(root: Path) -> None:
    """The symlinks of a Kubernetes volume are followed, and its `..` entries are no keys."""
    mount_version(root / "db", "2026_01", {"USER": "u1", "PASSWORD": "p1"})
    assert provider(root).read("db").value == {"USER": "u1", "PASSWORD": "p1"}
    assert provider(root).read("db/USER").value == "u1"
    assert names(root) == ["db"]
    assert names(root / "db") == ["PASSWORD", "USER"]


def test_rotation_is_seen(root: Path) -> None:
    """After the platform rotates, the next read has the new version (S0.74)."""
    mount_version(root / "db", "2026_01", {"USER": "u1"})
    reader = provider(root)
    assert reader.read("db").value == {"USER": "u1"}
    mount_version(root / "db", "2026_02", {"USER": "u2"})
    assert reader.read("db").value == {"USER": "u2"}
    assert reader.read("db/USER").value == "u2"


def test_a_rotation_in_the_middle_never_mixes_versions(root: Path) -> None:
    """However often a volume turns over while it is read, every bundle is whole and of one version."""
    keys = [f"K{number}" for number in range(8)]
    mount_version(root / "db", "0", dict.fromkeys(keys, "0"))
    stop = threading.Event()

    def rotate() -> None:
        version = 0
        while not stop.wait(0.001):
            version += 1
            mount_version(root / "db", str(version), dict.fromkeys(keys, str(version)))

    rotating = threading.Thread(target=rotate)
    rotating.start()
    seen: set[str] = set()
    reader = provider(root)
    try:
        for _ in range(400):
            content = read_patiently(reader, "db")
            assert sorted(content) == keys
            assert len(set(content.values())) == 1
            seen.update(content.values())
    finally:
        stop.set()
        rotating.join()
    assert len(seen) > 1


def read_patiently(reader: FilesProvider, path: str) -> dict[str, Any]:
    """Read as the store does: a mount that turned over twice meanwhile is worth asking again."""
    while True:
        with contextlib.suppress(BackendUnavailable):
            content = reader.read(path).value
            assert isinstance(content, dict)
            return content


def test_a_mount_that_never_settles_is_unavailable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that was replaced during both attempts is refused as worth repeating, not handed out torn."""
    put(root / "a", KEY="example")
    targets = iter(range(100))
    monkeypatch.setattr(FilesProvider, "_target", lambda *arguments: root / str(next(targets)))
    with pytest.raises(BackendUnavailable, match="replaced twice") as failure:
        provider(root).read("a")
    assert failure.value.retry_for == 10


# -- listing -------------------------------------------------------------------------------------------


def test_list(root: Path) -> None:
    """Files and directories of files are listed; a bundle's own files only under a prefix that reaches into it."""
    put(root, token="example")
    put(root / "db", USER="example", PASSWORD="example")
    put(root / "team" / "cache", URL="example")
    assert names(root) == ["token", "db", "team/cache"]
    assert names(root, "t") == ["token", "team/cache"]
    assert names(root, "team/") == ["team/cache"]
    assert names(root, "db") == ["db"]
    assert names(root, "db/") == ["db/PASSWORD", "db/USER"]
    assert names(root, "db/U") == ["db/USER"]
    assert names(root, "absent") == []


def test_everything_listed_can_be_read(root: Path) -> None:
    """A listed name is one that `get` takes."""
    put(root, token="example")
    put(root / "a b" / "c#d", KEY="example")
    reader = provider(root)
    for name in names(root):
        assert reader.read(reader.places(name)[0].path).value
    assert names(root) == ["token", "a b/c#d"]


def test_a_long_list_is_lazy(root: Path) -> None:
    """The first name of a large mount comes without walking all of it."""
    for number in range(250):
        put(root / f"d{number:03}", KEY="example")
    listing = provider(root).list("")
    assert next(listing).name == "d000"
    put(root / "d249" / "late", KEY="example")
    rest = [info.name for info in listing]
    assert len(rest) == 250
    assert rest[-1] == "d249/late"


@pytest.mark.parametrize(
    ("what", "arguments"),
    [("write", ("a", "example")), ("modify", ("a", lambda old: "example")), ("delete", ("a",)), ("read", ("a", "2"))],
)
def test_what_it_cannot_do(root: Path, what: str, arguments: tuple[Any, ...]) -> None:
    """A mount is read-only and has no versions: the refusal names it, and the files stay (S0.56)."""
    put(root, a="example")
    with pytest.raises(Unsupported, match=r"files in .*mount cannot"):
        getattr(provider(root), what)(*arguments)
    assert (root / "a").read_text() == "example"
