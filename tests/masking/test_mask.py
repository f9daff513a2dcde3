"""What is replaced in text and bytes, and by what."""

from __future__ import annotations

import pytest

from tacenda.masking import Masker

SECRET = "example-token-1"


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET, name="api-keys")
    return masker


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SECRET, "[masked]"),
        (f"Bearer {SECRET}", "Bearer [masked]"),
        (f"{SECRET} and {SECRET}", "[masked] and [masked]"),
        (f"x{SECRET}y", "x[masked]y"),
        ("nothing here", "nothing here"),
        ("", ""),
        (f"🔑{SECRET}🔑", "🔑[masked]🔑"),
    ],
)
def test_text_and_bytes(masker, text, expected):
    """Every occurrence, in text as in bytes; the rest is left as it is."""
    assert masker.mask(text) == expected
    assert masker.mask(text.encode()) == expected.encode()


def test_a_printed_prefix_stays_readable(masker):
    """`print(api_key[:4])` is a good way to print (C11)."""
    assert masker.mask(f"using {SECRET[:4]}…") == "using exam…"


def test_case_matters(masker):
    """Only the value itself is a secret."""
    assert masker.mask(SECRET.upper()) == SECRET.upper()


def test_values_of_any_script():
    """Text is masked as it stands in output: UTF-8."""
    masker = Masker()
    masker.add("пароль-🔑")
    assert masker.mask("x пароль-🔑 y") == "x [masked] y"
    assert masker.mask("x пароль-🔑 y".encode()) == b"x [masked] y"


def test_binary_values():
    """Bytes are found in bytes."""
    masker = Masker()
    masker.add(b"\x00\xff\xfeexample\x00")
    assert masker.mask(b"a\x00\xff\xfeexample\x00b") == b"a[masked]b"


def test_binary_value_that_ends_inside_a_character():
    """Text stays text, whatever bytes are registered: nothing fails and nothing leaks."""
    masker = Masker()
    masker.add(b"\xa9 example \xc3")
    masked = masker.mask("é example é!")
    assert "[masked]" in masked
    assert "example" not in masked
    assert masked.endswith("!")


def test_lone_surrogates_pass():
    """Text from file names and the environment may hold them."""
    masker = Masker()
    masker.add("example\udcff")
    assert masker.mask("a example\udcff \udc80") == "a [masked] \udc80"


def test_multi_line_value():
    """A PEM is masked where it is printed whole."""
    pem = "-----BEGIN EXAMPLE-----\nexample\nexample\n-----END EXAMPLE-----\n"
    masker = Masker()
    masker.add(pem)
    assert masker.mask(f"key:\n{pem}done") == "key:\n[masked]done"


OVERLAPS = [
    (["abcdefgh", "efghijkl"], "xabcdefghijklx", "x[masked]x"),
    (["abcdefgh", "abcdefghijkl"], "abcdefghijkl abcdefghx", "[masked] [masked]x"),
    (["abcdefghijkl", "cdefgh"], "abcdefghijkl xcdefghx", "[masked] x[masked]x"),
    (["ijklmn", "abcdef"], "abcdefijklmn", "[masked]"),
    (["ababab"], "xabababababx", "x[masked]x"),
    (["abcabc"], "abcabcabc", "[masked]"),
    (["abcabcabd-77"], "abcabcabcabd-77", "abc[masked]"),
]


@pytest.mark.parametrize(("secrets", "text", "expected"), OVERLAPS)
def test_overlapping_values_leave_no_tail(secrets, text, expected):
    """Overlapping, nested, prefixed, adjoining and self-overlapping values, in any order of registration."""
    for order in (secrets, secrets[::-1]):
        masker = Masker()
        for secret in order:
            masker.add(secret)
        assert masker.mask(text) == expected


def test_token_has_one_length():
    """A mask tells nothing about what it covers (checklist 17)."""
    masker = Masker()
    masker.add("short-1")
    masker.add("a-much-longer-example-value")
    assert masker.mask("short-1") == masker.mask("a-much-longer-example-value") == "[masked]"


def test_token_survives_metaflows_console():
    """`*` is markup there and would be deleted."""
    assert "*" not in Masker().mask("x") + Masker().token.decode()


def test_token_of_ones_own():
    """Another token is a setting."""
    masker = Masker(token="<secret>")
    masker.add(SECRET)
    assert masker.mask(SECRET) == "<secret>"


def test_a_token_is_not_masked_again():
    """Masking twice changes nothing."""
    masker = Masker()
    masker.add(SECRET)
    assert masker.mask(masker.mask(f"a {SECRET}")) == "a [masked]"


def test_repr_shows_no_value(masker):
    """The masker knows every value and shows none."""
    assert repr(masker) == "<Masker of 1 values>"
    assert len(masker) == 1


def test_without_values_data_passes_untouched():
    """Nothing registered costs nothing: the same object comes back."""
    data = "example " * 10
    assert Masker().mask(data) is data


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_anything_that_holds_bytes_can_be_masked(masker, kind):
    """The result is bytes where something was replaced, and what was given where nothing was."""
    assert masker.mask(kind(b"a example-token-1")) == b"a [masked]"
    data = kind(b"clean")
    assert masker.mask(data) is data
