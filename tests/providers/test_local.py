"""The provider `local`: formats, where the file is, what `check` finds, and what reading costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from local_file import FORMATS, VALUE, change, provider, read

from tacenda._reference import parse_reference
from tacenda.errors import ConfigurationError, InvalidReference, SecretNotFound

# -- formats --------------------------------------------------------------------------------------------


def test_json(tmp_path: Path) -> None:
    """A JSON file's top-level names are the secrets; an object is a bundle, and types stay (S0.20)."""
    (tmp_path / "s.json").write_text('{"TOKEN": "example", "db": {"PORT": 5432, "SSL": true, "NOTE": null}}')
    assert read(tmp_path, "s.json") == {"TOKEN": "example", "db": {"PORT": 5432, "SSL": True, "NOTE": None}}


@pytest.mark.parametrize("name", ["s.yaml", "s.yml"])
def test_yaml(tmp_path: Path, name: str) -> None:
    """A YAML file means the same."""
    (tmp_path / name).write_text("TOKEN: example\ndb:\n  PORT: 5432\n  SSL: true\n  NOTE:\n")
    assert read(tmp_path, name) == {"TOKEN": "example", "db": {"PORT": 5432, "SSL": True, "NOTE": None}}


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.local"])
def test_dotenv(tmp_path: Path, name: str) -> None:
    """A dotenv file's names are the secrets, with quotes, `=`, `#` and newlines as python-dotenv reads them (S0.21)."""
    (tmp_path / name).write_text(
        "# a comment\nPLAIN=a=b#c\nexport SPACED = 'two words' # a comment\n"
        'LINES="one\\ntwo"\nREAL="one\ntwo"\nEMPTY=\nBARE\n'
    )
    assert read(tmp_path, name) == {
        "PLAIN": "a=b#c",
        "SPACED": "two words",
        "LINES": "one\ntwo",
        "REAL": "one\ntwo",
        "EMPTY": "",
    }


def test_dotenv_is_not_interpolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` in a value is that text: a secret is exact and never made of the environment."""
    monkeypatch.setenv("HOME_TOWN", "elsewhere")
    (tmp_path / ".env").write_text("A=${HOME_TOWN}\nB='$A'\n")
    assert read(tmp_path, ".env") == {"A": "${HOME_TOWN}", "B": "$A"}


def test_dotenv_takes_the_last_of_several(tmp_path: Path) -> None:
    """A name that stands twice means its last value, as for python-dotenv."""
    (tmp_path / ".env").write_text("A=1\nA=2\n")
    assert read(tmp_path, ".env") == {"A": "2"}


def test_dotenv_keeps_carriage_returns_in_values(tmp_path: Path) -> None:
    """Line ends of a file from Windows end lines; inside quotes they are part of the value."""
    (tmp_path / ".env").write_bytes(b'A=1\r\nB="x\r\ny"\r\n')
    assert read(tmp_path, ".env") == {"A": "1", "B": "x\r\ny"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_byte_order_mark_is_no_content(tmp_path: Path, name: str) -> None:
    """A file that Windows' editors saved reads like any other."""
    text = {"s.json": '{"A": "1"}', "s.env": "A=1\n"}.get(name, "A: '1'\n")
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert read(tmp_path, name) == {"A": "1"}


@pytest.mark.parametrize("name", ["s.yaml", "s.env"])
def test_an_empty_file_has_no_secrets(tmp_path: Path, name: str) -> None:
    """A file that was only touched is an empty stack."""
    (tmp_path / name).touch()
    assert read(tmp_path, name) == {}


@pytest.mark.parametrize("name", ["s.toml", "secrets", "s.json.gpg", "json"])
def test_unknown_format(tmp_path: Path, name: str) -> None:
    """A file whose name tells no format is refused when the stack is opened, with the names that work."""
    with pytest.raises(ConfigurationError, match="has no format that is known") as failure:
        provider(tmp_path, name)
    assert ".json, .yaml, .yml or .env" in str(failure.value)


# -- where the file is ----------------------------------------------------------------------------------


def test_default_files(tmp_path: Path) -> None:
    """Without `path` it is .secrets.json, then .env; a first write makes .secrets.json (S0.9)."""
    assert provider(tmp_path, None).document() == ".secrets.json"
    (tmp_path / ".env").write_text("A=1\n")
    assert provider(tmp_path, None).document() == ".env"
    (tmp_path / ".secrets.json").write_text("{}")
    assert provider(tmp_path, None).document() == ".secrets.json"


def test_names_are_keys_of_the_file(tmp_path: Path) -> None:
    """A name is a top-level name of the file, a key one step further in."""
    reader = provider(tmp_path, "conf/my.json")
    assert reader.places("db") == [("conf/my.json", ("db",))]
    assert reader.places("db", "PASSWORD") == [("conf/my.json", ("db", "PASSWORD"))]
    assert reader.label(reader.places("db", "PASSWORD")[0]) == "local://conf/my.json#db#PASSWORD"


def test_a_relative_path_starts_at_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`path: s.json` is beside tacenda.yaml, wherever the program was started (S0.22)."""
    (tmp_path / "s.json").write_text('{"A": "1"}')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read(tmp_path, "s.json") == {"A": "1"}


def test_absolute_and_home_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path and `~` mean what they say."""
    (tmp_path / "s.json").write_text('{"A": "1"}')
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (str(tmp_path / "s.json"), "~/s.json"):
        assert read(Path("/nonexistent"), path) == {"A": "1"}


@pytest.mark.parametrize("absolute", [False, True])
def test_a_reference_names_a_file(tmp_path: Path, *, absolute: bool) -> None:
    """`local://conf/my.json#API_KEY` is a key of that file; with a third slash the path is absolute."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "my file.json").write_text('{"API_KEY": "example"}')
    reference = parse_reference(f"local://{tmp_path if absolute else ''}{'/' * absolute}conf/my%20file.json#API_KEY")
    assert reference is not None
    assert parse_reference(str(reference)) == reference
    place = provider(tmp_path, None).place_of(reference)
    assert place.keys == ("API_KEY",)
    assert provider(tmp_path, None).read(place.path).value == {"API_KEY": "example"}


def test_a_reference_to_another_kind_of_file(tmp_path: Path) -> None:
    """A reference to a file without a known format is refused before the file is opened."""
    with pytest.raises(InvalidReference, match="not a local file of a format that is known"):
        provider(tmp_path, None).read("etc/passwd")
    with pytest.raises(InvalidReference):
        provider(tmp_path, None).read("a%00.json")


def test_path_and_prefix_exclude_each_other(tmp_path: Path) -> None:
    """A file is one document, so a prefix for documents makes no sense with it."""
    with pytest.raises(ConfigurationError, match="exclude each other"):
        provider(tmp_path, "s.json", prefix="x")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there yet has no secrets: missing, with the command that creates it."""
    with pytest.raises(SecretNotFound, match=r"s\.json does not exist") as failure:
        read(tmp_path, "s.json")
    assert "tacenda set" in str(failure.value)
    with pytest.raises(SecretNotFound):
        read(tmp_path, "no/such/directory/s.json")
    assert list(provider(tmp_path, "s.json").list("")) == []


def test_list(tmp_path: Path) -> None:
    """The names in the file are listed, by prefix."""
    (tmp_path / "s.json").write_text('{"b": "1", "api/a": "2", "api/b": {"K": "3"}}')
    listing = [info.name for info in provider(tmp_path, "s.json").list("api/")]
    assert listing == ["api/a", "api/b"]


# -- checks and cost ------------------------------------------------------------------------------------


def test_findings(tmp_path: Path) -> None:
    """`tacenda check` hears of a file that others can read and of one that is not encrypted (S0.71)."""
    reader = provider(tmp_path, "s.json")
    assert reader.findings() == []
    change(tmp_path, "s.json", A=VALUE)
    (finding,) = reader.findings()
    assert finding == f"{tmp_path / 's.json'} is not encrypted: fit for development, not for production"
    (tmp_path / "s.json").chmod(0o640)
    assert "can be read by others (mode 0640): chmod 600" in reader.findings()[0]


def test_check(tmp_path: Path) -> None:
    """A check understands the whole file; one that does not exist yet is fine."""
    reader = provider(tmp_path, "s.json")
    reader.check()
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(ConfigurationError):
        reader.check()


def test_a_safe_yaml_loader_is_used(tmp_path: Path) -> None:
    """A YAML file cannot run code."""
    (tmp_path / "s.yaml").write_text(f"A: !!python/object/apply:os.mkdir ['{tmp_path}/ran']\n")
    with pytest.raises(ConfigurationError):
        read(tmp_path, "s.yaml")
    assert not (tmp_path / "ran").exists()


def test_yaml_without_libyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML built without its C library reads the same."""
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    (tmp_path / "s.yaml").write_text("A: example\n")
    assert read(tmp_path, "s.yaml") == {"A": "example"}


def test_reading_json_imports_no_other_format(tmp_path: Path) -> None:
    """A JSON file costs neither PyYAML, python-dotenv, pyrage nor filelock."""
    (tmp_path / "s.json").write_text('{"A": "1"}')
    script = (
        "import sys; from pathlib import Path; from tacenda.providers.local import LocalProvider\n"
        "LocalProvider({}, Path()).read('s.json')\n"
        "print(sorted({'yaml', 'dotenv', 'pyrage', 'filelock'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ}, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
