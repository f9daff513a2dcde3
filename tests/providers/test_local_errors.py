"""What the provider `local` cannot understand or hold: errors that name the place and never show content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from local_file import FORMATS, VALUE, change, provider, read

from tacenda.errors import ConfigurationError, SecretError, Unsupported
from tacenda.testing._conformance._base import assert_no_leak

MALFORMED = [
    ("s.json", f'{{\n "A": "{VALUE}",\n "B" "{VALUE}"\n}}', 3),
    ("s.json", f'{{"A": "{VALUE}', 1),
    ("s.json", "", 1),
    ("s.json", f'{{"A": "{VALUE}", "B": {"[" * 100_000}', None),
    ("s.json", f'{{"A": "{VALUE}", "B": {"9" * 5000}}}', None),
    ("s.json", f'["{VALUE}"]', None),
    ("s.json", f'"{VALUE}"', None),
    ("s.json", f'{{"A": "{VALUE}", "B": NaN}}', None),
    ("s.json", f'{{"A": "{VALUE}", "B": "\\ud800"}}', None),
    ("s.yaml", f"A: {VALUE}\nB: [{VALUE}\n", 3),
    ("s.yaml", f"A: {VALUE}\nB: *{VALUE.replace('-', '')}\n", 2),
    ("s.yaml", f"A: {VALUE}\n\tB: {VALUE}\n", 2),
    ("s.yaml", f"A: {VALUE}\nB: !!python/object:os.system {VALUE}\n", 2),
    ("s.yaml", f"A: {VALUE}\nB: \x07{VALUE}\n", 2),
    ("s.yaml", f"A: {VALUE}\nB: 2026-99-99\n", None),
    ("s.yaml", f"A: {VALUE}\nB: !!bool {VALUE}\n", None),
    ("s.yaml", f"- {VALUE}\n", None),
    ("s.yaml", f"{VALUE}\n", None),
    ("s.yaml", f"A: {VALUE}\nB: &loop [*loop]\n", None),
    ("s.env", f"A={VALUE}\n\n\nB='{VALUE}\n", 4),
    ("s.env", f"A={VALUE}\n{VALUE} and more\n", 2),
]


@pytest.mark.parametrize(("name", "text", "line"), MALFORMED)
def test_malformed(tmp_path: Path, name: str, text: str, line: int | None) -> None:
    """A malformed file is named with the line, and nothing of its content is in the error or near it."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError) as failure:
        read(tmp_path, name)
    assert str(tmp_path / name) in str(failure.value)
    assert line is None or f"line {line}" in str(failure.value)
    assert_value_free(failure.value)


@pytest.mark.parametrize("name", FORMATS)
def test_malformed_encoding(tmp_path: Path, name: str) -> None:
    """A file that is no UTF-8 is named with the line."""
    (tmp_path / name).write_bytes(b"\n" + VALUE.encode() + b"\n\xff\n")
    with pytest.raises(ConfigurationError, match=r"line 3: this is not UTF-8 text") as failure:
        read(tmp_path, name)
    assert_value_free(failure.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("since: 2026-01-01", "'since' is a date"),
        ("db:\n  since: 2026-01-01 10:00:00", "'db.since' is a datetime"),
        ("db: {1: a}", "a name in 'db' is no text .it is a int."),
        ("yes: a", "a name in 'the document' is no text"),
        ("a: [.inf]", "'a' is infinite"),
        ("a: !!binary aGk=\nb: !!set {x}", "'b' is a set"),
    ],
)
def test_yaml_that_json_cannot_hold(tmp_path: Path, text: str, what: str) -> None:
    """A YAML value outside JSON's types is named, with the advice to quote it: never guessed at."""
    (tmp_path / "s.yaml").write_text(f"A: {VALUE}\n{text}\n")
    with pytest.raises(ConfigurationError, match=what) as failure:
        read(tmp_path, "s.yaml")
    assert "put quotes around" in str(failure.value)
    assert_value_free(failure.value)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [{VALUE}, {"since": object()}, float("nan"), "\ud800" + VALUE, {1: VALUE}])
def test_what_no_file_can_hold(tmp_path: Path, name: str, value: Any) -> None:
    """A value that the format cannot hold exactly is refused by its place, and the file stays as it was."""
    change(tmp_path, name, A=VALUE)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(Unsupported, match=r"B|db") as failure:
        change(tmp_path, name, B=value)
    assert (tmp_path / name).read_bytes() == before
    assert VALUE not in str(failure.value)


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["a"]])
def test_dotenv_refuses_what_would_lose_its_type(tmp_path: Path, value: Any) -> None:
    """A number in a dotenv file would come back as text, so it is refused instead."""
    with pytest.raises(Unsupported, match="every value of a dotenv file is text"):
        change(tmp_path, "s.env", A=value)
    assert not (tmp_path / "s.env").exists()


def test_reading_a_version(tmp_path: Path) -> None:
    """A file has one version; asking for another is refused, never answered with this one."""
    with pytest.raises(Unsupported, match="keep versions"):
        provider(tmp_path, "s.json").read("s.json", "2")


def assert_value_free(error: BaseException) -> None:
    """Assert that nothing near an error shows the value: its text, causes, or our frames' variables."""
    assert isinstance(error, SecretError)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert_no_leak(error, VALUE)
