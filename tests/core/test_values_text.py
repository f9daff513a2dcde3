"""A secret text is a `str` and a secret binary a `bytes`: libraries take them, only `repr` is masked."""

from __future__ import annotations

import base64
import hmac
import io
import json
import logging
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda import Secret, SecretBundle, SecretBytes, reveal
from tacenda._values import natural, wrap
from tacenda.errors import SecretNotFound

VALUE = "example-token-1"


@pytest.mark.parametrize(
    "container",
    [
        Secret(VALUE),
        [Secret(VALUE)],
        (Secret(VALUE),),
        {Secret(VALUE)},
        {"key": Secret(VALUE)},
        {"deep": [{"er": (Secret(VALUE),)}]},
        SecretBundle({"API_KEY": VALUE, "nested": {"list": [VALUE]}}),
        SecretBundle({"API_KEY": VALUE}).copy(),
        list(SecretBundle({"API_KEY": VALUE}).items()),
        SecretBytes(VALUE.encode()),
        [SecretBytes(VALUE.encode())],
    ],
    ids=repr,
)
def test_repr_is_masked_in_every_container(container):
    """What a debugger, a log of arguments or an assertion shows holds no value."""
    assert VALUE not in repr(container)
    assert "[masked]" in repr(container)
    assert VALUE not in f"{container!r}"
    assert VALUE not in "%r" % (container,)  # noqa: UP031 - people write it


@pytest.mark.parametrize(
    "use",
    [
        str,
        lambda s: f"{s}",
        lambda s: f"{s:s}",
        lambda s: "%s" % s,  # noqa: UP031 - people write it
        "{}".format,
        "".join,
    ],
)
def test_text_is_the_real_value(use):
    """Whatever a library makes of a text, it makes of the value (S1.18)."""
    assert use(Secret(VALUE)) == VALUE


def test_secret_is_an_ordinary_str():
    """Equality, hash, order, length and methods are those of the value."""
    secret = Secret(VALUE)
    assert isinstance(secret, str)
    assert secret == VALUE
    assert hash(secret) == hash(VALUE)
    assert {VALUE: 1}[secret] == 1
    assert (len(secret), secret[:7], secret.upper()) == (15, "example", "EXAMPLE-TOKEN-1")
    assert sorted([secret, "a"]) == ["a", VALUE]


@pytest.mark.parametrize(
    "use",
    [
        lambda s: json.dumps({"token": s}),
        lambda s: base64.b64encode(s.encode()),
        urllib.parse.quote,
        lambda s: hmac.new(s.encode(), b"x", "sha256").hexdigest(),
        lambda s: io.StringIO(s).read(),
        lambda s: s.encode("idna"),
    ],
)
def test_libraries_take_a_secret_for_a_str(use):
    """The standard library sees no difference."""
    assert use(Secret(VALUE)) == use(VALUE)


def test_logging_with_percent_r_is_masked(caplog):
    """`%r` in a log line shows the mask."""
    logging.getLogger("example").warning("got %r", {"token": Secret(VALUE)})
    assert VALUE not in caplog.text


def test_bytes_are_ordinary_bytes():
    """Binary secrets can be used as key material (S1.4)."""
    secret = SecretBytes(b"\x00\xffexample")
    assert isinstance(secret, bytes)
    assert secret == b"\x00\xffexample"
    assert hash(secret) == hash(b"\x00\xffexample")
    assert str(secret) == str(b"\x00\xffexample")
    assert f"{secret}" == str(b"\x00\xffexample")
    assert repr(secret) == "<SecretBytes [masked]>"
    assert hmac.new(secret, b"x", "sha256").digest() == hmac.new(bytes(secret), b"x", "sha256").digest()


def test_revealed_types_are_exactly_pythons():
    """`reveal` gives plain types, for libraries that look at `type(x)`."""
    assert type(reveal(Secret(VALUE))) is str
    assert type(reveal(SecretBytes(b"x"))) is bytes
    assert type(reveal(SecretBundle({}))) is dict
    assert type(reveal(wrap([1]))) is list
    assert type(reveal((Secret(VALUE),))[0]) is str


@pytest.mark.parametrize("value", [None, True, 0, 1.5, object])
def test_reveal_leaves_other_values_alone(value):
    """Numbers, null and whatever else is passed come back as they are."""
    assert reveal(value) is value


@pytest.mark.parametrize(
    "text", ["12345", "true", "null", '"quoted"', "[1, 2]", "{not json", "{}x", "", " ", "{" * 5000, "1" * 5000]
)
def test_only_a_json_object_becomes_a_bundle(text):
    """Everything else that happens to be JSON stays the exact text it was."""
    value = natural(text)
    assert type(value) is Secret
    assert value == text


def test_pretty_printed_json_becomes_a_bundle():
    """What somebody stored from a file reads as keys (S1.21)."""
    bundle = natural('{\n  "USER": "example",\n  "PASSWORD": "example-password"\n}\n')
    assert bundle["PASSWORD"] == "example-password"


def test_huge_number_in_json_is_no_crash():
    """A document that Python's JSON refuses is text, not an exception."""
    text = '{"n": ' + "1" * 10_000 + "}"
    assert natural(text) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_json_round_trip_keeps_every_type(content):
    """Numbers, booleans, null and nesting come back as they went in."""
    bundle = natural(json.dumps(content))
    assert bundle == content
    assert json.loads(json.dumps(bundle)) == content
    assert [type(v) for v in reveal(bundle).values()] == [type(v) for v in content.values()]


@given(JSON | st.binary())
def test_reveal_is_the_inverse_of_wrap(value):
    """What was wrapped comes back equal and plain, at any depth."""
    revealed = reveal(wrap(value))
    assert revealed == value
    assert "tacenda" not in str(types_in(revealed))


def types_in(value):
    if isinstance(value, dict):
        return {type(value), *(t for item in value.values() for t in types_in(item))}
    if isinstance(value, list):
        return {type(value), *(t for item in value for t in types_in(item))}
    return {type(value)}


@given(st.text(alphabet="0123456789abcdef", min_size=16))
def test_no_repr_ever_holds_the_value(value):
    """Whatever the value is, the repr of a secret does not depend on it."""
    assert repr(wrap(value)) == "<Secret [masked]>"
    assert value not in repr(wrap({"key": [value, {"inner": value}]}))


def test_error_of_a_missing_key_has_no_value():
    """A typo in a key is told with the names of the keys, never with what is in them."""
    with pytest.raises(SecretNotFound) as caught:
        SecretBundle({"API_KEY": VALUE}, "api-keys")["API_KEYS"]
    assert str(caught.value) == "api-keys has no key 'API_KEYS'\n  next: its keys are: API_KEY"
