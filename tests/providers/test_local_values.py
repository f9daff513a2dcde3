"""The provider `local` keeps every value exactly, in each format, or refuses it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import dotenv
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from local_file import FORMATS, change, read

from tacenda.errors import Unsupported

# Everything that a text secret can be: any Unicode text but halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,20}", fullmatch=True)


AWKWARD = [
    "",
    " ",
    " padded\t",
    "line\n",
    "\r\n",
    "käse ☃ 🧀",
    "'",
    '"',
    'it\'s "both" `kinds`',
    "trailing\\",
    "trailing'\\",
    "\\n is no newline",
    "a #b",
    "#b",
    "$HOME ${HOME} $(id)",
    "A=1\nINJECTED=2",
    "'\nINJECTED=2\n'",
    '"\nINJECTED=2',
    "\x00\x07\x1b\x7f",
    "\x85\u2028\xa0\ufeff",
    "null",
    "true",
    "5432",
    "2026-01-01",
    "0x1F",
    "~",
    "- a",
    "{a: b}",
    "&anchor",
    "!!tag",
    "{not json",
    '{"value": "no base64!", "encoding": "base64"}',
    "-----BEGIN EXAMPLE-----\nMIIB\n-----END EXAMPLE-----\n",
]


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize("name", FORMATS)
def test_awkward_texts_are_exact(tmp_path: Path, name: str, value: str) -> None:
    """A text comes back exactly, and nothing in it becomes syntax of the file or another secret."""
    (tmp_path / name).write_text("{}" if name == "s.json" else "")
    change(tmp_path, name, BEFORE="'before\"", SECRET=value, AFTER="'after\"")
    assert read(tmp_path, name) == {"BEFORE": "'before\"", "SECRET": value, "AFTER": "'after\""}
    change(tmp_path, name, SECRET="other")
    change(tmp_path, name, SECRET=value)
    assert read(tmp_path, name) == {"BEFORE": "'before\"", "SECRET": value, "AFTER": "'after\""}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(NAMES, TEXT, max_size=4))
@example(values={"A": "\\'", "B": "'"})
def test_any_text_is_exact(tmp_path: Path, name: str, values: dict[str, str]) -> None:
    """Whatever the names and texts are, they come back exactly."""
    (tmp_path / name).unlink(missing_ok=True)
    change(tmp_path, name, **values)
    assert read(tmp_path, name) == values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(NAMES, TEXT, max_size=4))
def test_python_dotenv_reads_what_was_written(tmp_path: Path, values: dict[str, str]) -> None:
    """Other programs that read the file with python-dotenv get the same values."""
    (tmp_path / "s.env").unlink(missing_ok=True)
    change(tmp_path, "s.env", **values)
    # python-dotenv opens files with universal newlines: a lone carriage return survives only as an escape.
    assert dotenv.dotenv_values(tmp_path / "s.env", interpolate=False) == values


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT.filter(bool), value=TEXT)
def test_any_dotenv_name_is_exact_or_refused(tmp_path: Path, name: str, value: str) -> None:
    """A name that a dotenv file cannot spell is refused with the way out; all others come back exactly."""
    (tmp_path / "s.env").write_text("A=1\n")
    if "'" in name:
        with pytest.raises(Unsupported, match=r"keep the secrets in a \.json file"):
            change(tmp_path, "s.env", **{name: value})
        assert (tmp_path / "s.env").read_text() == "A=1\n"
    else:
        change(tmp_path, "s.env", **{name: value})
        assert read(tmp_path, "s.env") == {"A": "1", name: value}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["s.json", "s.yaml"])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(TEXT, JSON_VALUES, max_size=3))
def test_any_json_is_exact(tmp_path: Path, name: str, values: dict[str, Any]) -> None:
    """Numbers, booleans, null and nesting keep their types (a text that says 1 stays text)."""
    (tmp_path / name).unlink(missing_ok=True)
    change(tmp_path, name, **values)
    assert json.dumps(read(tmp_path, name)) == json.dumps(values)


@pytest.mark.parametrize("name", FORMATS)
def test_bytes(tmp_path: Path, name: str) -> None:
    """Bytes come back as bytes; in the file they are base64 that a person can decode."""
    change(tmp_path, name, CERT=bytes(range(256)), EMPTY=b"")
    assert read(tmp_path, name) == {"CERT": bytes(range(256)), "EMPTY": b""}
    assert "base64" in (tmp_path / name).read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_inside_a_bundle(tmp_path: Path, name: str) -> None:
    """A key of a bundle may be binary too."""
    change(tmp_path, name, tls={"key": b"\xff", "chain": [b"\xfe", "text"]})
    assert read(tmp_path, name) == {"tls": {"key": b"\xff", "chain": [b"\xfe", "text"]}}


def test_a_bundle_in_dotenv_is_json_text(tmp_path: Path) -> None:
    """A bundle in a dotenv file is one line of JSON, which every reader of the file understands."""
    change(tmp_path, "s.env", DB={"USER": "it's", "PORT": 5432})
    assert read(tmp_path, "s.env") == {"DB": '{"USER": "it\'s", "PORT": 5432}'}
    (value,) = dotenv.dotenv_values(tmp_path / "s.env", interpolate=False).values()
    assert json.loads(value or "") == {"USER": "it's", "PORT": 5432}


def test_a_text_that_is_a_subclass(tmp_path: Path) -> None:
    """A value of a class of its own that is text is written as its text, in YAML too."""

    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "something else"

    for name in FORMATS:
        change(tmp_path, name, A=Text("example"))
        assert read(tmp_path, name) == {"A": "example"}


def test_a_shell_reads_what_was_written(tmp_path: Path) -> None:
    """A dotenv file with ordinary values can be sourced: nothing in them is run or expanded."""
    values = {"A": "$(touch ran) `touch ran` $HOME", "B": "a b;c&d|e>f", "C": "plain-1.2", "D": "#x"}
    change(tmp_path, "s.env", **values)
    script = 'set -a; . ./s.env; printf "%s\\n" "$A" "$B" "$C" "$D"'
    run = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == list(values.values())
    assert not (tmp_path / "ran").exists()
