"""What holds for every reference."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from tacenda._reference import SCHEMES, looks_like_value, parse_reference
from tacenda.errors import InvalidReference

SEGMENTS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4)
PARTS = st.text(min_size=1, max_size=8)


def escaped(segments):
    return "/".join(quote(part, safe="") for part in segments)


@given(st.sampled_from(SCHEMES), SEGMENTS, st.none() | PARTS, st.none() | PARTS)
def test_every_part_comes_back(scheme, segments, version, key):
    """Escaped parts of any characters are read back exactly, and written the same way again."""
    text = f"{scheme}://{escaped(segments)}"
    text += "" if version is None else f"?version={quote(version, safe='')}"
    text += "" if key is None else f"#{quote(key, safe='')}"
    reference = parse_reference(text)
    assert (reference.backend, reference.segments()) == (scheme, segments)
    assert (reference.version, reference.key) == (version, key)
    assert str(reference) == text


@given(st.text())
def test_any_text_is_a_name_a_reference_or_refused(text):
    """No input makes the parser fail in any other way."""
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return
    assert reference is None or reference.path


@given(st.text(alphabet="abc/%2F.-+: ", max_size=20), st.sampled_from(["", "?version=1", "#K", "?version=v%201#a%23b"]))
def test_what_was_parsed_parses_to_the_same_again(path, rest):
    """`str()` of a reference means the reference, also where a path holds escapes."""
    reference = parse_reference(f"vault://a{path}{rest}")
    assert parse_reference(str(reference)) == reference


@given(st.text(alphabet="abcXYZ019_./-", min_size=1, max_size=40))
def test_ordinary_names_are_never_taken_for_values(name):
    """Names of letters, digits and the usual separators are names."""
    assume(not name.startswith(("sk-", "AIza", "xox", "hv", "gh", "github_pat_", "A", "eyJ", "-----BEGIN")))
    assert not looks_like_value(name)
