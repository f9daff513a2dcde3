"""Random values are masked also in pieces: truncated, folded, colored. Other values have no pieces."""

from __future__ import annotations

import base64
import io
import json
import random
import reprlib
import sysconfig
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import pretty
from rich.console import Console
from rich.table import Column, Table

from tacenda.masking import Masker
from tacenda.masking._forms._fragments import LONGEST, SHORTEST, SIZE, STEP, fragments
from tacenda.masking._forms._variants import variants
from tacenda.masking._matching._patterns import PatternSet
from tacenda.masking._spans import union

RANDOM = random.Random(1)
TOKEN = "x7Kq2mZ9w4Tb8Lc1Vn5RfG3hJ6pS0dYaXe7U"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

RANDOM_VALUES = [
    str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)),
    RANDOM.randbytes(16).hex(),
    RANDOM.randbytes(32).hex().upper(),
    base64.b64encode(RANDOM.randbytes(32)).decode(),
    base64.urlsafe_b64encode(RANDOM.randbytes(48)).decode(),
    "".join(RANDOM.choices(ALPHABET, k=40)),
    "sk-ant-api03-" + "".join(RANDOM.choices(ALPHABET, k=80)),
    "ghp_" + "".join(RANDOM.choices(ALPHABET, k=36)),
]
WORDY_VALUES = [
    "example-correct-horse-battery-staple",
    "ExampleCorrectHorseBatteryStaple2026",
    "postgres://user:example-pass@db.internal.example.com:5432/app",
    "example-2026-01-01T00:00:00Z-2026-12-31",
    "typing_extensions-4.12.2-py3-none-any.whl",
    "994530854159595135636030",
    "a perfectly ordinary sentence of some length",
    "/usr/lib/python3.11/site-packages/example",
    "x7Kq2mZ9w4Tb8Lc1V",
]


def shown(value, text):
    """What a masker that knows a value leaves of a text."""
    masker = Masker()
    masker.add(value)
    return masker.mask(text)


def places(pieces, data):
    """Where pieces stand in a value."""
    patterns = PatternSet()
    for piece in pieces:
        patterns.add(piece)
    return patterns.find(data)


@pytest.mark.parametrize("value", RANDOM_VALUES)
def test_random_values_have_fragments(value):
    """Keys, UUIDs, hex and base64: the pieces cover most of the value."""
    covered = sum(stop - start for start, stop in union(places(fragments(value.encode()), value.encode())))
    assert covered > 0.7 * len(value)


@pytest.mark.parametrize("value", WORDY_VALUES)
def test_other_values_have_none(value):
    """Words, URLs, dates, versions, numbers, paths and short values: a piece of them is part of ordinary output."""
    assert fragments(value.encode()) == set()


def test_the_beginning_that_all_keys_of_a_vendor_share_is_no_fragment():
    """Documentation is full of it."""
    for prefix in ("sk-ant-api03-", "github_pat_11", "example-key-1"):
        pieces = fragments((prefix + TOKEN).encode())
        assert pieces
        assert prefix[:SIZE].encode() not in pieces


def test_of_a_jwt_only_the_signature():
    """Its header is the same in every JWT."""
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "x"}, {"sub": "y"})
    )
    pieces = fragments(b".".join([header, payload, TOKEN.encode()]))
    assert pieces == fragments(TOKEN.encode())


@pytest.mark.parametrize("size", [4, 8, SIZE - 1])
def test_a_printed_prefix_stays_readable(size):
    """`print(f"{api_key[:4]}...")` is documented (C11)."""
    assert shown(TOKEN, f"{TOKEN[:size]}...") == f"{TOKEN[:size]}..."


@given(start=st.integers(0, len(TOKEN)), size=st.integers(SIZE + STEP, len(TOKEN)))
def test_of_any_longer_run_six_characters_are_left(start, size):
    """However a value is cut, what is left of it is masked but for three characters at either end."""
    before, masked, after = shown(TOKEN, f"<{TOKEN[start:][:size]}>").partition("[masked]")
    if masked or len(TOKEN[start:]) >= SIZE + STEP:
        assert len(before) <= STEP
        assert len(after) <= STEP


@pytest.mark.parametrize("size", range(SIZE, len(TOKEN)))
def test_of_a_longer_beginning_three_characters_are_left(size):
    """Truncation keeps the beginning of a value, so a piece begins there."""
    left = shown(TOKEN, f"<{TOKEN[:size]}…>")
    assert left.startswith("<[masked]")
    assert len(left) < len("<[masked]…>") + STEP


def test_cut_by_reprlib():
    """Python's own way to show a long text: both ends, with dots in the middle."""
    short = reprlib.Repr()
    short.maxstring = 40
    text = short.repr(TOKEN + TOKEN[::-1])
    assert "..." in text
    assert len(shown(TOKEN + TOKEN[::-1], text).replace("[masked]", "")) <= len("'...'") + 2 * (STEP - 1)


def test_cut_by_rich():
    """Local variables in a traceback that is too narrow end in an ellipsis (rich#2408)."""
    text = str(pretty.pretty_repr({"password": TOKEN * 3}, max_width=40, max_string=24))
    assert TOKEN[:20] in text
    assert TOKEN[STEP : STEP + 8] not in shown(TOKEN * 3, text)


@pytest.mark.parametrize("width", [20, 30])
def test_folded_by_rich(width):
    """A table cell that is too narrow: no long run of the value is left."""
    cells = Table("name", Column("key", overflow="fold"))
    cells.add_row("a", TOKEN)
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(cells)
    assert TOKEN not in out.getvalue()
    left = shown(TOKEN, out.getvalue())
    assert all(TOKEN[start : start + SIZE + STEP] not in left for start in range(len(TOKEN) - SIZE - STEP + 1))


def test_colored_in_the_middle():
    """grep --color and pytest's diffs put an escape sequence inside a value."""
    text = f"{TOKEN[:16]}\x1b[31m{TOKEN[16:20]}\x1b[0m{TOKEN[20:]}"
    assert shown(TOKEN, text) == f"[masked]\x1b[31m{TOKEN[16:20]}\x1b[0m[masked]"


def test_few_pieces():
    """A piece at each fourth byte, not at each: a key of 40 characters has eight, not 29."""
    assert len(fragments(TOKEN.encode() + b"4711")) == 8
    assert fragments(TOKEN.encode()) < variants(TOKEN.encode(), 6)


@given(st.binary(max_size=LONGEST + 20))
def test_bounds(value):
    """Every piece has one length and is part of the value; short and very long values have none."""
    pieces = fragments(value)
    assert all(len(piece) == SIZE and piece in value for piece in pieces)
    if not SHORTEST <= len(value) <= LONGEST:
        assert not pieces


def test_what_it_over_masks():
    """Nothing: no piece of 500 random values is in a megabyte of Python's own sources."""
    values = ["".join(RANDOM.choices(ALPHABET, k=40)).encode() for _ in range(300)]
    values += [RANDOM.randbytes(20).hex().encode() for _ in range(200)]
    pieces = set().union(*map(fragments, values))
    assert len(pieces) > 3_000
    library = Path(sysconfig.get_path("stdlib"))
    text = b"\n".join(path.read_bytes() for path in sorted(library.glob("*.py")))[: 1 << 20]
    assert len(text) == 1 << 20
    assert pieces.isdisjoint(text[start : start + SIZE] for start in range(len(text)))
