"""What is not there is missing, and never mistaken for anything else."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tacenda._errors import InvalidReference, SecretNotFound, Unsupported
from tacenda.testing._conformance._base import ConformanceBase, Put, refused

if TYPE_CHECKING:
    from tacenda import SecretStore
    from tacenda.providers import Capabilities
    from tacenda.testing._conformance._harness import Harness

__all__ = ["MissingTests"]


class MissingTests(ConformanceBase):
    """Secrets, keys and versions that do not exist."""

    def test_missing_secret(self, store: SecretStore) -> None:
        """A missing secret is a KeyError that says where was looked, and `default` stands in for it."""
        error = refused(SecretNotFound, lambda: store.get("kit-missing"))
        assert isinstance(error, KeyError)
        assert "kit-missing" in str(error)
        assert error.tried
        assert store.get("kit-missing", default=None) is None

    def test_missing_key(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """A missing key is missing; the keys that exist are named, their values are not."""
        value = f"example-{uuid.uuid4()}"
        if not can.bundles:
            put("kit-json", f'{{"API_KEY": "{value}"}}')
        else:
            put("kit-json", {"API_KEY": value})
        error = refused(SecretNotFound, lambda: store.get("kit-json", "OTHER"), value)
        assert "API_KEY" in str(error)
        assert store.get("kit-json", "OTHER", default="none") == "none"

    def test_text_has_no_keys(self, store: SecretStore, put: Put) -> None:
        """Asking a text that is no JSON for a key is an error of its own, which does not show the text."""
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        refused(InvalidReference, lambda: store.get("kit-text", "API_KEY"), value)

    def test_missing_version(self, store: SecretStore, put: Put, can: Capabilities, harness: Harness) -> None:
        """A version that does not exist is missing; without versions, asking for one is refused."""
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        kind = SecretNotFound if can.versions else Unsupported
        refused(kind, lambda: store.get("kit-text", version=harness.unknown_version), value)

    def test_several_at_once(self, store: SecretStore, put: Put) -> None:
        """`get_many` returns all, or says which are missing."""
        values = {f"kit-{number}": f"example-{uuid.uuid4()}" for number in range(25)}
        for name, value in values.items():
            put(name, value)
        assert {name: str(value) for name, value in store.get_many(values).items()} == values
        error = refused(SecretNotFound, lambda: store.get_many([*values, "kit-missing"]), *values.values())
        assert set(error.failures) == {"kit-missing"}
