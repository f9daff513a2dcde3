"""The provider `local`: formats, where the file is, what is read, and errors that never show content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dotenv
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tacenda._reference import parse_reference
from tacenda.errors import ConfigurationError, InvalidReference, SecretError, SecretNotFound, Unsupported
from tacenda.providers.local import LocalProvider

if TYPE_CHECKING:
    from types import TracebackType

FORMATS = ["s.json", "s.yaml", "s.env"]

# Everything that a text secret can be: any Unicode text but halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,20}", fullmatch=True)


def provider(base: Path, path: str | None = None, **settings: str) -> LocalProvider:
    return LocalProvider({**settings, **({} if path is None else {"path": path})}, base)


def content(base: Path, path: str) -> Any:
    reader = provider(base, path)
    return reader.read(reader.document()).value


def put(base: Path, path: str, values: dict[str, Any]) -> None:
    """Write names and values as `store.set` does."""
    writer = provider(base, path)
    writer.modify(writer.document(), lambda old: {**(old.value if old else {}), **values})  # type: ignore[dict-item]


# -- formats -------------------------------------------------------------------------------------------


def test_json(tmp_path: Path) -> None:
    """A JSON file's top-level names are the secrets; an object is a bundle, and types stay (S0.20)."""
    (tmp_path / "s.json").write_text('{"TOKEN": "example", "db": {"PORT": 5432, "SSL": true, "NOTE": null}}')
    assert content(tmp_path, "s.json") == {"TOKEN": "example", "db": {"PORT": 5432, "SSL": True, "NOTE": None}}


@pytest.mark.parametrize("name", ["s.yaml", "s.yml"])
def test_yaml(tmp_path: Path, name: str) -> None:
    """A YAML file means the same."""
    (tmp_path / name).write_text("TOKEN: example\ndb:\n  PORT: 5432\n  SSL: true\n  NOTE:\n")
    assert content(tmp_path, name) == {"TOKEN": "example", "db": {"PORT": 5432, "SSL": True, "NOTE": None}}


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.local"])
def test_dotenv(tmp_path: Path, name: str) -> None:
    """A dotenv file's names are the secrets, with quotes, `=`, `#` and newlines as python-dotenv reads them (S0.21)."""
    (tmp_path / name).write_text(
        "# a comment\nPLAIN=a=b#c\nexport SPACED = 'two words' # a comment\n"
        'LINES="one\\ntwo"\nREAL="one\ntwo"\nEMPTY=\nBARE\n'
    )
    assert content(tmp_path, name) == {
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
    assert content(tmp_path, ".env") == {"A": "${HOME_TOWN}", "B": "$A"}


def test_dotenv_takes_the_last_of_several(tmp_path: Path) -> None:
    """A name that stands twice means its last value, as for python-dotenv."""
    (tmp_path / ".env").write_text("A=1\nA=2\n")
    assert content(tmp_path, ".env") == {"A": "2"}


def test_dotenv_keeps_carriage_returns_in_values(tmp_path: Path) -> None:
    """Line ends of a file from Windows end lines; inside quotes they are part of the value."""
    (tmp_path / ".env").write_bytes(b'A=1\r\nB="x\r\ny"\r\n')
    assert content(tmp_path, ".env") == {"A": "1", "B": "x\r\ny"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_byte_order_mark_is_no_content(tmp_path: Path, name: str) -> None:
    """A file that Windows' editors saved reads like any other."""
    text = {"s.json": '{"A": "1"}', "s.env": "A=1\n"}.get(name, "A: '1'\n")
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert content(tmp_path, name) == {"A": "1"}


@pytest.mark.parametrize("name", ["s.yaml", "s.env"])
def test_an_empty_file_has_no_secrets(tmp_path: Path, name: str) -> None:
    """A file that was only touched is an empty stack."""
    (tmp_path / name).touch()
    assert content(tmp_path, name) == {}


@pytest.mark.parametrize("name", ["s.toml", "secrets", "s.json.gpg", "json"])
def test_unknown_format(tmp_path: Path, name: str) -> None:
    """A file whose name tells no format is refused when the stack is opened, with the names that work."""
    with pytest.raises(ConfigurationError, match="has no format that is known") as failure:
        provider(tmp_path, name)
    assert ".json, .yaml, .yml or .env" in str(failure.value)


# -- where the file is ---------------------------------------------------------------------------------


def test_default_files(tmp_path: Path) -> None:
    """Without `path` it is .secrets.json, then .env; a first write makes .secrets.json (S0.9)."""
    assert provider(tmp_path).document() == ".secrets.json"
    (tmp_path / ".env").write_text("A=1\n")
    assert provider(tmp_path).document() == ".env"
    (tmp_path / ".secrets.json").write_text("{}")
    assert provider(tmp_path).document() == ".secrets.json"


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
    assert content(tmp_path, "s.json") == {"A": "1"}


def test_absolute_and_home_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path and `~` mean what they say."""
    (tmp_path / "s.json").write_text('{"A": "1"}')
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (str(tmp_path / "s.json"), "~/s.json"):
        assert content(Path("/nonexistent"), path) == {"A": "1"}


@pytest.mark.parametrize("absolute", [False, True])
def test_a_reference_names_a_file(tmp_path: Path, *, absolute: bool) -> None:
    """`local://conf/my.json#API_KEY` is a key of that file; with a third slash the path is absolute."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "my file.json").write_text('{"API_KEY": "example"}')
    reference = parse_reference(f"local://{tmp_path if absolute else ''}{'/' * absolute}conf/my%20file.json#API_KEY")
    assert reference is not None
    assert parse_reference(str(reference)) == reference
    place = provider(tmp_path).place_of(reference)
    assert place.keys == ("API_KEY",)
    assert provider(tmp_path).read(place.path).value == {"API_KEY": "example"}


def test_a_reference_to_another_kind_of_file(tmp_path: Path) -> None:
    """A reference to a file without a known format is refused before the file is opened."""
    with pytest.raises(InvalidReference, match="not a local file of a format that is known"):
        provider(tmp_path).read("etc/passwd")
    with pytest.raises(InvalidReference):
        provider(tmp_path).read("a%00.json")


def test_path_and_prefix_exclude_each_other(tmp_path: Path) -> None:
    """A file is one document, so a prefix for documents makes no sense with it."""
    with pytest.raises(ConfigurationError, match="exclude each other"):
        provider(tmp_path, "s.json", prefix="x")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there yet has no secrets: missing, with the command that creates it."""
    with pytest.raises(SecretNotFound, match=r"s\.json does not exist") as failure:
        content(tmp_path, "s.json")
    assert "tacenda set" in str(failure.value)
    with pytest.raises(SecretNotFound):
        content(tmp_path, "no/such/directory/s.json")
    assert list(provider(tmp_path, "s.json").list("")) == []


def test_list(tmp_path: Path) -> None:
    """The names in the file are listed, by prefix."""
    (tmp_path / "s.json").write_text('{"b": "1", "api/a": "2", "api/b": {"K": "3"}}')
    listing = [info.name for info in provider(tmp_path, "s.json").list("api/")]
    assert listing == ["api/a", "api/b"]


# -- values --------------------------------------------------------------------------------------------

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
    put(tmp_path, name, {"BEFORE": "'before\"", "SECRET": value, "AFTER": "'after\""})
    assert content(tmp_path, name) == {"BEFORE": "'before\"", "SECRET": value, "AFTER": "'after\""}
    put(tmp_path, name, {"SECRET": "other"})
    put(tmp_path, name, {"SECRET": value})
    assert content(tmp_path, name) == {"BEFORE": "'before\"", "SECRET": value, "AFTER": "'after\""}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(NAMES, TEXT, max_size=4))
@example(values={"A": "\\'", "B": "'"})
def test_any_text_is_exact(tmp_path: Path, name: str, values: dict[str, str]) -> None:
    """Whatever the names and texts are, they come back exactly."""
    (tmp_path / name).unlink(missing_ok=True)
    put(tmp_path, name, values)
    assert content(tmp_path, name) == values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(NAMES, TEXT, max_size=4))
def test_python_dotenv_reads_what_was_written(tmp_path: Path, values: dict[str, str]) -> None:
    """Other programs that read the file with python-dotenv get the same values."""
    (tmp_path / "s.env").unlink(missing_ok=True)
    put(tmp_path, "s.env", values)
    # python-dotenv opens files with universal newlines: a lone carriage return survives only as an escape.
    assert dotenv.dotenv_values(tmp_path / "s.env", interpolate=False) == values


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT.filter(bool), value=TEXT)
def test_any_dotenv_name_is_exact_or_refused(tmp_path: Path, name: str, value: str) -> None:
    """A name that a dotenv file cannot spell is refused with the way out; all others come back exactly."""
    (tmp_path / "s.env").write_text("A=1\n")
    if "'" in name:
        with pytest.raises(Unsupported, match=r"keep the secrets in a \.json file"):
            put(tmp_path, "s.env", {name: value})
        assert (tmp_path / "s.env").read_text() == "A=1\n"
    else:
        put(tmp_path, "s.env", {name: value})
        assert content(tmp_path, "s.env") == {"A": "1", name: value}


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
    put(tmp_path, name, values)
    assert json.dumps(content(tmp_path, name)) == json.dumps(values)


@pytest.mark.parametrize("name", FORMATS)
def test_bytes(tmp_path: Path, name: str) -> None:
    """Bytes come back as bytes; in the file they are base64 that a person can decode."""
    put(tmp_path, name, {"CERT": bytes(range(256)), "EMPTY": b""})
    assert content(tmp_path, name) == {"CERT": bytes(range(256)), "EMPTY": b""}
    assert "base64" in (tmp_path / name).read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_inside_a_bundle(tmp_path: Path, name: str) -> None:
    """A key of a bundle may be binary too."""
    put(tmp_path, name, {"tls": {"key": b"\xff", "chain": [b"\xfe", "text"]}})
    assert content(tmp_path, name) == {"tls": {"key": b"\xff", "chain": [b"\xfe", "text"]}}


def test_a_bundle_in_dotenv_is_json_text(tmp_path: Path) -> None:
    """A bundle in a dotenv file is one line of JSON, which every reader of the file understands."""
    put(tmp_path, "s.env", {"DB": {"USER": "it's", "PORT": 5432}})
    assert content(tmp_path, "s.env") == {"DB": '{"USER": "it\'s", "PORT": 5432}'}
    (value,) = dotenv.dotenv_values(tmp_path / "s.env", interpolate=False).values()
    assert json.loads(value or "") == {"USER": "it's", "PORT": 5432}


def test_a_text_that_is_a_subclass(tmp_path: Path) -> None:
    """A value of a class of its own that is text is written as its text, in YAML too."""

    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "something else"

    for name in FORMATS:
        put(tmp_path, name, {"A": Text("example")})
        assert content(tmp_path, name) == {"A": "example"}


def test_a_shell_reads_what_was_written(tmp_path: Path) -> None:
    """A dotenv file with ordinary values can be sourced: nothing in them is run or expanded."""
    values = {"A": "$(touch ran) `touch ran` $HOME", "B": "a b;c&d|e>f", "C": "plain-1.2", "D": "#x"}
    put(tmp_path, "s.env", values)
    script = 'set -a; . ./s.env; printf "%s\\n" "$A" "$B" "$C" "$D"'
    run = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == list(values.values())
    assert not (tmp_path / "ran").exists()


# -- errors --------------------------------------------------------------------------------------------

VALUE = "example-do-not-show"

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
        content(tmp_path, name)
    assert str(tmp_path / name) in str(failure.value)
    assert line is None or f"line {line}" in str(failure.value)
    assert_value_free(failure.value)


@pytest.mark.parametrize("name", FORMATS)
def test_malformed_encoding(tmp_path: Path, name: str) -> None:
    """A file that is no UTF-8 is named with the line."""
    (tmp_path / name).write_bytes(b"\n" + VALUE.encode() + b"\n\xff\n")
    with pytest.raises(ConfigurationError, match=r"line 3: this is not UTF-8 text") as failure:
        content(tmp_path, name)
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
        content(tmp_path, "s.yaml")
    assert "put quotes around" in str(failure.value)
    assert_value_free(failure.value)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [{VALUE}, {"since": object()}, float("nan"), "\ud800" + VALUE, {1: VALUE}])
def test_what_no_file_can_hold(tmp_path: Path, name: str, value: Any) -> None:
    """A value that the format cannot hold exactly is refused by its place, and the file stays as it was."""
    put(tmp_path, name, {"A": VALUE})
    before = (tmp_path / name).read_bytes()
    with pytest.raises(Unsupported, match=r"B|db") as failure:
        put(tmp_path, name, {"B": value})
    assert (tmp_path / name).read_bytes() == before
    assert VALUE not in str(failure.value)


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["a"]])
def test_dotenv_refuses_what_would_lose_its_type(tmp_path: Path, value: Any) -> None:
    """A number in a dotenv file would come back as text, so it is refused instead."""
    with pytest.raises(Unsupported, match="every value of a dotenv file is text"):
        put(tmp_path, "s.env", {"A": value})
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
    assert VALUE not in str(error)
    assert VALUE not in repr(error.__dict__)
    at: TracebackType | None = error.__traceback__
    while at is not None:
        if "tacenda" in at.tb_frame.f_globals.get("__name__", ""):
            for name, local in at.tb_frame.f_locals.items():
                assert VALUE not in repr(local), f"{at.tb_frame.f_code.co_name}: {name}"
        at = at.tb_next


# -- checks and cost -----------------------------------------------------------------------------------


def test_findings(tmp_path: Path) -> None:
    """`tacenda check` hears of a file that others can read and of one that is not encrypted (S0.71)."""
    reader = provider(tmp_path, "s.json")
    assert reader.findings() == []
    put(tmp_path, "s.json", {"A": VALUE})
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
        content(tmp_path, "s.yaml")
    assert not (tmp_path / "ran").exists()


def test_yaml_without_libyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML built without its C library reads the same."""
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    (tmp_path / "s.yaml").write_text("A: example\n")
    assert content(tmp_path, "s.yaml") == {"A": "example"}


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
