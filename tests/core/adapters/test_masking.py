"""What adapters do with texts, values, errors and files: nothing while no secret is known, else mask or refuse."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tacenda._adapters import known_masker, mask_output, masked_copy, masked_error, masked_text, refuse_output
from tacenda._adapters._captured_text import CapturedText
from tacenda._adapters._files import refuse_leaking_files
from tacenda._register import register
from tacenda.delivery import child_environment
from tacenda.errors import SecretLeak
from tacenda.masking import Masker, _output, allow_leak

VALUE = "example-value-of-adapters"


@pytest.fixture
def masker(empty_registry: Masker) -> Masker:
    """The process-wide masker, which knows one value."""
    empty_registry.add(VALUE, name="s")
    return empty_registry


def test_nothing_known(empty_registry: Masker):
    """Without a secret everything stays the very object that it is."""
    for thing in ("text", {"a": [1]}, ValueError("no"), None):
        assert masked_text(thing) is masked_copy(thing) is masked_error(thing) is thing
    assert known_masker() is None


def test_imports_nothing():
    """Finding out that there is no secret does not import the masking."""
    program = (
        "import sys; from tacenda._adapters import masked_copy, masked_error, masked_text, mask_output\n"
        "mask_output(); masked_copy({}), masked_text(''), masked_error(ValueError())\n"
        "raise SystemExit('tacenda.masking' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_masked(masker: Masker):
    """Texts, values of any shape and errors are masked; what holds no value is the same object."""
    assert known_masker() is masker
    assert masked_text(f"key {VALUE}") == "key [masked]"
    assert masked_text(1) == 1
    harmless = {"a": [1, None]}
    assert masked_copy(harmless) is harmless
    assert masked_copy({VALUE: [f"{VALUE}!", 1]}) == {"[masked]": ["[masked]!", 1]}
    assert masked_copy(None) is masked_error(None) is None
    assert VALUE not in repr(masked_error(ValueError(VALUE)))


@pytest.mark.parametrize(("setting", "calls"), [(None, 1), ("1", 1), ("0", 0)])
def test_output(masker: Masker, monkeypatch: pytest.MonkeyPatch, setting: str | None, calls: int):
    """The output of a run is masked also if a value was read before it, unless somebody has switched that off."""
    installed = []
    monkeypatch.setattr(_output, "install", lambda: installed.append(1))
    monkeypatch.setattr("tacenda.masking.install", lambda: installed.append(1), raising=False)
    monkeypatch.setenv("TACENDA_MASKING", setting or "")
    if setting is None:
        monkeypatch.delenv("TACENDA_MASKING")
    mask_output()
    assert len(installed) == calls
    assert os.environ["TACENDA_MASKING"] == (setting or "1")


def test_files(masker: Masker, tmp_path):
    """A file, or one anywhere in a directory, is searched, through links as well; empty and missing files are not."""
    inside = tmp_path / "output" / "deep"
    inside.mkdir(parents=True)
    outside = tmp_path / "outside.txt"
    outside.write_text(f"key={VALUE}")
    (inside / "empty").touch()
    (inside / "loop").symlink_to(tmp_path / "output")
    (inside / "dead").symlink_to(tmp_path / "nowhere")
    refuse_leaking_files(tmp_path / "output", "output 'o0'")
    refuse_leaking_files(tmp_path / "nowhere", "output 'o0'")
    with pytest.raises(SecretLeak, match=r"output 'o0', file 'outside.txt', holds the value of 's'"):
        refuse_leaking_files(outside, "output 'o0'")
    (inside / "link").symlink_to(outside)
    with pytest.raises(SecretLeak, match=r"file 'link'"):
        refuse_leaking_files(tmp_path / "output", "output 'o0'")
    (inside / "link").unlink()
    (inside / "late.bin").write_bytes(b"x" * (1 << 20) + VALUE.encode())
    with pytest.raises(SecretLeak, match=r"file 'late.bin'"):
        refuse_leaking_files(tmp_path / "output", "output 'o0'")


def test_outputs(masker: Masker, tmp_path):
    """An output that holds a value, in itself or in a file of it, is refused with both ways out; or it is allowed."""

    @allow_leak("token")
    def train(): ...

    refuse_output({"accuracy": 0.9}, "model", "output 'model' of step 'train'", train)
    refuse_output(VALUE, "token", "output 'token' of step 'train'", train)
    (tmp_path / "model").write_text(VALUE)
    for given in ((VALUE, ()), ("a path", [tmp_path])):
        value, paths = given
        with pytest.raises(SecretLeak) as caught:
            refuse_output(value, "model", "output 'model' of step 'train'", train, paths)
        assert "output 'model' of step 'train'" in str(caught.value)
        assert "'s'" in str(caught.value)
        assert "@tacenda.masking.allow_leak('model')" in str(caught.value)
        assert VALUE not in str(caught.value)
        assert caught.value.__context__ is None


def test_pieces(masker: Masker):
    """A value that comes in several pieces is masked, also if something in between has asked for what was held."""
    owner, text = type("Capture", (), {})(), ""
    for piece in ("key ", VALUE[:9], VALUE[9:], " ü"):
        text += CapturedText.of(owner).write(piece)
    assert text + CapturedText.of(owner).release() == "key [masked] ü"
    other = CapturedText.of(owner, "b")
    pieces = [other.write(piece) + other.release() for piece in (*VALUE, "!")]
    assert "".join(pieces) == f"{VALUE[:3]}[masked]!"


def test_output_of_what_was_injected(empty_registry: Masker, monkeypatch: pytest.MonkeyPatch):
    """What `tacenda run` put into the environment is known to the runs that it starts; addresses are no secrets."""
    monkeypatch.setenv("OTHER", "example-other")
    monkeypatch.setenv("TACENDA_INJECTED", "GONE")
    monkeypatch.setenv("TACENDA_MASKING", "0")
    register({"API_KEY": VALUE, "HOST": "example-host"}, "api-keys")
    environment = child_environment({"API_KEY": VALUE, "HOST": "example-host", "PROD_HOST": "example-host"})
    empty_registry.remove(VALUE)
    for name in ("API_KEY", "HOST", "PROD_HOST", "TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN"):
        monkeypatch.setenv(name, environment[name])
    assert masked_text(VALUE) == VALUE
    mask_output()
    assert masked_text(f"{VALUE} example-host example-other") == "[masked] example-host example-other"
    assert empty_registry.names(VALUE.encode()) == ["the environment#API_KEY"]
