"""Writing dotenv and other files that people edit too: what a person wrote stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_file import VALUE, change, provider, read

from tacenda.errors import Unsupported

ENV = """\
# Database

export DB_USER = example-user   # who we are
DB_PASSWORD='old # value' # rotate in May
 indented=1
EMPTY= # nothing yet
BARE
TWICE=1
TWICE=2

# Last
LAST="no line end"\
"""


def edited(base: Path, **values: str | None) -> str:
    (base / ".env").write_text(ENV)
    dropped = {name for name, value in values.items() if value is None}
    kept = {name: value for name, value in values.items() if value is not None}
    provider(base, ".env").modify(
        ".env",
        lambda old: {k: v for k, v in {**old.value, **kept}.items() if k not in dropped},  # type: ignore[union-attr,dict-item]
    )
    return (base / ".env").read_text()


def test_dotenv_change_in_place(tmp_path: Path) -> None:
    """A changed line keeps its place, `export` and comment; all others stay to the letter."""
    expected = ENV.replace("DB_USER = example-user", "DB_USER=other").replace("'old # value'", "'it\\'s # new'")
    assert edited(tmp_path, DB_USER="other", DB_PASSWORD="it's # new") == expected


def test_dotenv_values_appear_and_vanish(tmp_path: Path) -> None:
    """New names go to the end, dropped ones go with their line, comments stay."""
    text = edited(tmp_path, NEW="two words", DB_PASSWORD=None)
    assert text == ENV.replace("DB_PASSWORD='old # value' # rotate in May\n", "") + "\nNEW='two words'\n"


def test_dotenv_empty_values(tmp_path: Path) -> None:
    """An empty value with a comment, and a name without `=`, can be given a value."""
    text = edited(tmp_path, EMPTY="1", BARE="2", LAST="")
    expected = ENV.replace("EMPTY= #", "EMPTY=1 #").replace("BARE", "BARE=2").replace('LAST="no line end"', "LAST=")
    assert text == expected


def test_dotenv_last_of_several_changes(tmp_path: Path) -> None:
    """Of a name that stands twice, the one that counts is changed; dropping it drops both."""
    assert edited(tmp_path, TWICE="3") == ENV.replace("TWICE=2", "TWICE=3")
    assert edited(tmp_path, TWICE=None) == ENV.replace("TWICE=1\nTWICE=2\n", "")


def test_dotenv_line_ends_of_windows(tmp_path: Path) -> None:
    """A changed line keeps its own kind of line end."""
    (tmp_path / "s.env").write_bytes(b"A=1\r\nB=2\r\n")
    change(tmp_path, "s.env", A="3")
    assert (tmp_path / "s.env").read_bytes() == b"A=3\r\nB=2\r\n"


def test_no_change_is_no_difference(tmp_path: Path) -> None:
    """Writing what is there already leaves a dotenv file as it was."""
    assert edited(tmp_path) == ENV


def test_unspellable_name(tmp_path: Path) -> None:
    """A name that a dotenv file cannot hold is refused, with the way out, and the file stays."""
    (tmp_path / "s.env").write_text(ENV)
    with pytest.raises(Unsupported, match='exact value of "it\'s"') as failure:
        change(tmp_path, "s.env", **{"it's": VALUE})
    assert "keep the secrets in a .json file" in str(failure.value)
    assert VALUE not in str(failure.value)
    assert (tmp_path / "s.env").read_text() == ENV


def test_order_stays(tmp_path: Path) -> None:
    """JSON and YAML keep the order of names; new ones come last."""
    for name in ("s.json", "s.yaml"):
        change(tmp_path, name, Z="1", A="2")
        change(tmp_path, name, B="3", Z="4")
        assert list(read(tmp_path, name)) == ["Z", "A", "B"]
