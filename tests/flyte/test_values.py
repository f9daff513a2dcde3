"""What both SDKs do with a value."""

from __future__ import annotations

import pytest

from tacenda.errors import Unsupported
from tacenda_flyte._values import register_given, variable_text

pytestmark = pytest.mark.flyte


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\x00b"])
def test_binary_is_no_variable(content: bytes):
    """What is no text, or holds a NUL, is refused for a variable with the way out, and is not in the message."""
    with pytest.raises(Unsupported, match="'key' is binary and cannot be the environment variable KEY") as caught:
        variable_text(content, "'key'", "KEY", "mount it")
    assert caught.value.hint == "mount it"


def test_given_by_the_platform(empty_registry):
    """A value under a key is masked unless the key is harmless; of a whole secret the leaves of its JSON are."""
    register_given(b"example-password", "db", "PASSWORD")
    register_given("example-host", "db", "HOST")
    register_given('{"TOKEN": "example-token", "PORT": 5432}', "api")
    register_given(b"\xff example-binary", "cert")
    masked = empty_registry.mask("example-password example-host example-token")
    assert masked == "[masked] example-host [masked]"
    assert empty_registry.mask(b"\xff example-binary") == b"[masked]"
