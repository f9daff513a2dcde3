"""Encrypted local files: identities, interoperation with the `age` program, and distinct errors."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, MissingDependency, Unsupported
from tacenda.providers.local import LocalProvider

VALUE = "example-do-not-show"
CONTENT = {"TOKEN": VALUE, "db": {"PORT": 5432}}
FORMATS = ["s.json.age", "s.yaml.age", "s.env.age"]


def new_identity(file: Path, count: int = 1) -> list[pyrage.x25519.Identity]:
    """Write an identity file as age-keygen does, with comments and blank lines."""
    keys = [pyrage.x25519.Identity.generate() for _ in range(count)]
    lines = [f"# created: 2026-01-01T00:00:00Z\n# public key: {key.to_public()}\n{key}\n" for key in keys]
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    return keys


@pytest.fixture
def key(tmp_path: Path) -> pyrage.x25519.Identity:
    return new_identity(tmp_path / "key.txt")[0]


def provider(base: Path, path: str = "s.json.age", identity: str | None = "key.txt") -> LocalProvider:
    return LocalProvider({"path": path, **({} if identity is None else {"identity": identity})}, base)


def read(base: Path, path: str = "s.json.age", identity: str | None = "key.txt") -> Any:
    return provider(base, path, identity).read(path).value


def change(base: Path, path: str = "s.json.age", identity: str = "key.txt", **values: Any) -> None:
    provider(base, path, identity).modify(path, lambda old: {**(old.value if old else {}), **values})  # type: ignore[dict-item]


def encrypt(file: Path, *recipients: Any, armored: bool = False, content: Any = CONTENT) -> None:
    file.write_bytes(pyrage.encrypt(json.dumps(content).encode(), list(recipients), armored=armored))


@pytest.mark.parametrize("name", FORMATS)
def test_round_trip(tmp_path: Path, key: Any, name: str) -> None:
    """What is written is encrypted for the identity's own public key, and nothing of it is in the clear."""
    change(tmp_path, name, TOKEN=VALUE)
    change(tmp_path, name, OTHER="example-other")
    data = (tmp_path / name).read_bytes()
    assert data.startswith(b"age-encryption.org/v1\n")
    assert VALUE.encode() not in data
    assert VALUE.encode() in pyrage.decrypt(data, [key])
    assert read(tmp_path, name) == {"TOKEN": VALUE, "OTHER": "example-other"}
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("armored", [False, True])
def test_armor(tmp_path: Path, key: Any, *, armored: bool) -> None:
    """A file made with `age -a` reads like any other, and stays armored when it is written."""
    encrypt(tmp_path / "s.json.age", key.to_public(), armored=armored)
    assert read(tmp_path) == CONTENT
    change(tmp_path, OTHER="example-other")
    assert (tmp_path / "s.json.age").read_bytes().startswith(b"-----BEGIN AGE") is armored
    assert read(tmp_path) == {**CONTENT, "OTHER": "example-other"}


def test_several_identities(tmp_path: Path) -> None:
    """With several keys in the identity file any of them opens the file, and it is written for all of them."""
    first, second = new_identity(tmp_path / "key.txt", 2)
    encrypt(tmp_path / "s.json.age", second.to_public())
    assert read(tmp_path) == CONTENT
    change(tmp_path, OTHER="example-other")
    for key in (first, second):
        assert VALUE.encode() in pyrage.decrypt((tmp_path / "s.json.age").read_bytes(), [key])


def test_identities_are_masked_before_use(tmp_path: Path, key: Any) -> None:
    """The private key itself is registered with the masker, so that it cannot be printed."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    protected: list[tuple[str, str]] = []
    reader = provider(tmp_path)
    reader.protect = lambda value, label: protected.append((value, label))
    reader.read("s.json.age")
    assert protected == [(str(key), f"age identity in {tmp_path / 'key.txt'}")]


def test_ssh_identity(tmp_path: Path) -> None:
    """An OpenSSH key serves as identity; its `.pub` file is needed only for writing."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    change(tmp_path, identity="id", TOKEN=VALUE)
    assert b"-> ssh-ed25519 " in (tmp_path / "s.json.age").read_bytes()
    (tmp_path / "id.pub").unlink()
    assert read(tmp_path, identity="id") == {"TOKEN": VALUE}
    with pytest.raises(ConfigurationError, match=r"the public key .*id\.pub is missing") as failure:
        change(tmp_path, identity="id", TOKEN="example-other")
    assert "ssh-keygen -y" in str(failure.value)
    assert read(tmp_path, identity="id") == {"TOKEN": VALUE}


# -- errors --------------------------------------------------------------------------------------------


def test_wrong_identity(tmp_path: Path, key: Any) -> None:
    """A file encrypted for somebody else is denied, naming file and identity, and stays as it was."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    new_identity(tmp_path / "other.txt")
    before = (tmp_path / "s.json.age").read_bytes()
    with pytest.raises(AccessDenied, match=r"no key in .*other\.txt opens it"):
        read(tmp_path, identity="other.txt")
    with pytest.raises(AccessDenied):
        change(tmp_path, identity="other.txt", TOKEN="example-other")
    assert (tmp_path / "s.json.age").read_bytes() == before


@pytest.mark.parametrize("armored", [False, True])
def test_truncated_anywhere(tmp_path: Path, key: Any, *, armored: bool) -> None:
    """A truncated file is unavailable, wherever it was cut: never missing, never half read, not worth repeating."""
    content = {"TOKEN": VALUE, "FILL": "x" * 70_000}
    encrypt(tmp_path / "s.json.age", key.to_public(), armored=armored, content=content)
    whole = (tmp_path / "s.json.age").read_bytes()
    for length in [0, 1, 21, 22, 60, 100, 150, 200, 250, len(whole) // 2, len(whole) - 40]:
        cut = whole[:length]
        (tmp_path / "s.json.age").write_bytes(cut)
        with pytest.raises(BackendUnavailable, match="is truncated or damaged") as failure:
            read(tmp_path)
        assert failure.value.retry_for == 0
        with pytest.raises(BackendUnavailable):
            change(tmp_path, TOKEN="example-other")
        assert (tmp_path / "s.json.age").read_bytes() == cut


def test_damaged(tmp_path: Path, key: Any) -> None:
    """A single changed bit in the content is found out."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    data = bytearray((tmp_path / "s.json.age").read_bytes())
    data[-1] ^= 1
    (tmp_path / "s.json.age").write_bytes(data)
    with pytest.raises(BackendUnavailable, match="truncated or damaged"):
        read(tmp_path)


def test_not_encrypted(tmp_path: Path, key: Any) -> None:
    """A plain file under an encrypted file's name is told from a damaged one, and not shown."""
    (tmp_path / "s.json.age").write_text(json.dumps(CONTENT))
    with pytest.raises(ConfigurationError, match="is not encrypted by age") as failure:
        read(tmp_path)
    assert VALUE not in str(failure.value)


def test_malformed_content(tmp_path: Path, key: Any) -> None:
    """What was decrypted and cannot be understood is named with the line, and not shown."""
    (tmp_path / "s.json.age").write_bytes(pyrage.encrypt(f'{{\n"A": {VALUE}'.encode(), [key.to_public()]))
    with pytest.raises(ConfigurationError, match=r"s\.json\.age, line 2: this is not valid JSON") as failure:
        read(tmp_path)
    assert VALUE not in str(failure.value)
    assert failure.value.__context__ is None


def test_no_identity_setting(tmp_path: Path, key: Any) -> None:
    """An encrypted file without the setting `identity` names the setting."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    with pytest.raises(ConfigurationError, match="no `identity` is set"):
        read(tmp_path, identity=None)


def test_missing_identity_file(tmp_path: Path, key: Any) -> None:
    """A missing identity file is a mistake in the configuration, with the command that makes one."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    with pytest.raises(ConfigurationError, match=r"absent\.txt does not exist") as failure:
        read(tmp_path, identity="absent.txt")
    assert "age-keygen -o" in str(failure.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no age identity"),
        ("# only a comment\n", "holds no age identity"),
        ("\n\nAGE-SECRET-KEY-1EXAMPLE\n", "line 3: this is not an age identity"),
        (f"{VALUE}\n", "line 1: this is not an age identity"),
        (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{VALUE}\n", "is not an ssh key that age can use"),
        (f"\xff{VALUE}", "line 1: this is not an age identity"),
    ],
)
def test_unusable_identity_file(tmp_path: Path, key: Any, text: str, message: str) -> None:
    """An identity file that holds something else is named with the line, and its content is not shown."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    (tmp_path / "bad.txt").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match=message) as failure:
        read(tmp_path, identity="bad.txt")
    assert "bad.txt" in str(failure.value)
    assert VALUE not in str(failure.value)
    assert failure.value.__context__ is None
    assert VALUE not in repr([frame.locals for frame in frames_of(failure.value)])


def frames_of(error: BaseException) -> Any:
    at = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [frame for frame in at.stack if "tacenda" in frame.filename and "tests" not in frame.filename]


@pytest.mark.parametrize("armored", [False, True])
def test_other_recipients_are_not_locked_out(tmp_path: Path, key: Any, *, armored: bool) -> None:
    """A file that colleagues can open too is not rewritten for one person alone: that is refused."""
    colleague = pyrage.x25519.Identity.generate()
    encrypt(tmp_path / "s.json.age", key.to_public(), colleague.to_public(), armored=armored)
    before = (tmp_path / "s.json.age").read_bytes()
    assert read(tmp_path) == CONTENT
    with pytest.raises(Unsupported, match="encrypted for more people") as failure:
        change(tmp_path, TOKEN="example-other")
    assert "age -e -R" in str(failure.value)
    assert (tmp_path / "s.json.age").read_bytes() == before


def test_without_pyrage(tmp_path: Path, key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error says how to install it (S0.14)."""
    encrypt(tmp_path / "s.json.age", key.to_public())
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(MissingDependency, match="pyrage") as failure:
        read(tmp_path)
    assert "pip install 'tacenda[age]'" in str(failure.value)


def test_findings(tmp_path: Path, key: Any) -> None:
    """An encrypted file is fine; an identity that others can read is not."""
    change(tmp_path, TOKEN=VALUE)
    assert provider(tmp_path).findings() == []
    (tmp_path / "key.txt").chmod(0o644)
    assert provider(tmp_path).findings() == [
        f"{tmp_path / 'key.txt'} can be read by others (mode 0644): chmod 600 {tmp_path / 'key.txt'}"
    ]


# -- the age program (Debian package `age`) ------------------------------------------------------------


@pytest.mark.extra
def test_the_age_program_reads_ours(tmp_path: Path) -> None:
    """`age -d` opens what tacenda wrote, with a key from `age-keygen`."""
    subprocess.run(["age-keygen", "-o", tmp_path / "key.txt"], check=True, capture_output=True)
    for name in FORMATS:
        change(tmp_path, name, TOKEN=VALUE)
        command = ["age", "-d", "-i", tmp_path / "key.txt", tmp_path / name]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert VALUE in shown


@pytest.mark.extra
@pytest.mark.parametrize("options", [[], ["-a"]], ids=["binary", "armored"])
def test_we_read_the_age_programs(tmp_path: Path, options: list[str]) -> None:
    """What `age` encrypted opens here, armored or not, and `age` opens it again after a change."""
    subprocess.run(["age-keygen", "-o", tmp_path / "key.txt"], check=True, capture_output=True)
    (tmp_path / "plain").write_text(json.dumps(CONTENT))
    command = ["age", "-e", *options, "-i", tmp_path / "key.txt", "-o", tmp_path / "s.json.age", tmp_path / "plain"]
    subprocess.run(command, check=True)
    assert read(tmp_path) == CONTENT
    change(tmp_path, OTHER="example-other")
    command = ["age", "-d", "-i", tmp_path / "key.txt", tmp_path / "s.json.age"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(shown) == {**CONTENT, "OTHER": "example-other"}


@pytest.mark.extra
def test_the_age_program_with_an_ssh_key(tmp_path: Path) -> None:
    """Files encrypted to an ssh key go both ways too."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    (tmp_path / "plain").write_text(json.dumps(CONTENT))
    command = ["age", "-e", "-R", tmp_path / "id.pub", "-o", tmp_path / "s.json.age", tmp_path / "plain"]
    subprocess.run(command, check=True)
    assert read(tmp_path, identity="id") == CONTENT
    change(tmp_path, identity="id", OTHER="example-other")
    command = ["age", "-d", "-i", tmp_path / "id", tmp_path / "s.json.age"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(shown) == {**CONTENT, "OTHER": "example-other"}
