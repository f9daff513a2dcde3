"""Values come back exactly as they went in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tacenda import Secret, SecretBundle, SecretBytes, SecretStore, reveal
from tacenda._errors import Unsupported
from tacenda.testing._conformance._base import ConformanceBase, Put, refused

if TYPE_CHECKING:
    from tacenda.providers import Capabilities
    from tacenda.testing._conformance._harness import Harness

__all__ = ["ValueTests"]

TEXTS = {
    "plain": "example-value",
    "unicode": "zażółć-密码-🔑",
    "spaces around": "  example  ",
    "newlines around": "\nexample\n\n",
    "one newline": "\n",
    "carriage returns": "first\r\nsecond\r\n",
    "tab": "\texample\t",
    "shell": "\"'`$HOME ${HOME} \\n \\ %41 # no comment",
    "leading zero": "0123",
    "the word null": "null",
    "YAML-like": "yes: [no]",
    "base64-like": "ZXhhbXBsZQ==",
    "certificate": "-----BEGIN EXAMPLE-----\nZXhhbXBsZQ==\n-----END EXAMPLE-----\n",
}
BINARIES = {"all bytes": bytes(range(256)), "no text": b"\xff\xfe\x00\xff"}
BUNDLE: dict[str, Any] = {
    "text": "example",
    "digits": "5432",
    "empty": "",
    "unicode": "密码",
    "integer": 5432,
    "big": 2**53 - 1,
    "float": 0.25,
    "true": True,
    "false": False,
    "null": None,
    "nested": {"list": [1, "two", None, {"deep": " x\n"}], "object": {}},
    "dotted.key-with/signs": "example",
}


class ValueTests(ConformanceBase):
    """Round trips."""

    @pytest.mark.parametrize("value", TEXTS.values(), ids=TEXTS)
    def test_text_comes_back_exactly(self, store: SecretStore, put: Put, value: str) -> None:
        """Text is neither stripped nor interpreted."""
        put("kit-text", value)
        found = store.get("kit-text")
        assert isinstance(found, Secret)
        assert str(found) == value
        assert str(store.get_text("kit-text")) == value

    def test_json_text_is_a_bundle_and_keeps_its_text(self, store: SecretStore, put: Put) -> None:
        """A text that is a JSON object has keys, and `get_text` still gives it to the letter."""
        text = '{ "API_KEY":  "example",\n"PORT": 5432 }\n'
        put("kit-json", text)
        assert reveal(store.get("kit-json")) == {"API_KEY": "example", "PORT": 5432}
        assert str(store.get("kit-json", "API_KEY")) == "example"
        assert str(store.get_text("kit-json")) == text

    def test_empty_text(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """An empty text is a secret like any other, or refused."""
        if can.empty:
            put("kit-empty", "")
            assert store.get("kit-empty") == ""
        else:
            refused(Unsupported, lambda: put("kit-empty", ""))

    @pytest.mark.parametrize("value", BINARIES.values(), ids=BINARIES)
    def test_bytes_come_back_exactly(self, store: SecretStore, put: Put, can: Capabilities, value: bytes) -> None:
        """Bytes are bytes again, or refused."""
        if can.binary:
            put("kit-bytes", value)
            found = store.get("kit-bytes")
            assert isinstance(found, SecretBytes)
            assert bytes(found) == value
        else:
            refused(Unsupported, lambda: put("kit-bytes", value))

    def test_json_types_survive(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """Numbers, booleans, null and nesting keep their types, texts their whitespace."""
        if can.bundles:
            put("kit-bundle", BUNDLE)
            found = store.get("kit-bundle")
            assert isinstance(found, SecretBundle)
            assert repr(sorted(reveal(found).items())) == repr(sorted(BUNDLE.items()))  # 1 == True, their reprs differ
        else:
            refused(Unsupported, lambda: put("kit-bundle", BUNDLE))

    def test_large_integers_are_exact_or_refused(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """An integer beyond a double's precision comes back to the digit, or is refused; it is never rounded."""
        put("kit-integer", {"id": "before"} if can.bundles else '{"id": "before"}')
        try:
            put("kit-integer", {"id": 2**60})
        except Unsupported:
            assert store.get("kit-integer", "id") == "before"
        else:
            assert store.get("kit-integer", "id") == 2**60

    def test_keys_that_differ_in_case(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """Keys are case-sensitive."""
        content = {"key": "lower", "Key": "title", "KEY": "upper"}
        if can.bundles:
            put("kit-case", content)
            assert {key: str(store.get("kit-case", key)) for key in content} == content
        else:
            refused(Unsupported, lambda: put("kit-case", content))

    def test_bytes_inside_a_bundle(self, store: SecretStore, can: Capabilities) -> None:
        """A key may hold bytes."""
        if can.write and can.bundles:
            store.set("kit-mixed", {"cert": b"\xff\x00", "name": "example"})
            assert reveal(store.get("kit-mixed")) == {"cert": b"\xff\x00", "name": "example"}
        else:
            refused(Unsupported, lambda: store.set("kit-mixed", {"cert": b"\xff\x00"}))

    def test_largest_value(self, store: SecretStore, put: Put, harness: Harness) -> None:
        """The largest legal value comes back whole."""
        size = harness.largest("kit-large") or 100_000
        put("kit-large", "x" * size)
        assert len(store.get("kit-large")) == size

    def test_one_byte_more_than_the_largest(self, store: SecretStore, put: Put, harness: Harness) -> None:
        """A value that is too large is refused before it is sent, and what was there stays."""
        size = harness.largest("kit-large")
        put("kit-large", "before")
        if size is not None:
            refused(Unsupported, lambda: put("kit-large", "x" * (size + 1)))
        assert store.get("kit-large") == "before"
