"""Names: which there may be, and listing them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tacenda._errors import InvalidReference, Unsupported
from tacenda.testing._conformance._base import ConformanceBase, Put, refused

if TYPE_CHECKING:
    from tacenda import SecretStore
    from tacenda.providers import Capabilities

__all__ = ["ListingTests"]

MANY = 250


class ListingTests(ConformanceBase):
    """Listing and names with slashes."""

    def test_list_of_250(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """Every name is listed once, however many pages that takes, and a prefix narrows it down."""
        if not can.list:
            refused(Unsupported, lambda: list(store.list()))
            return
        names = [f"kit-{number:03}" for number in range(MANY)]
        for name in names:
            put(name, "example")
        assert sorted(info.name for info in store.list()) == names
        assert sorted(info.name for info in store.list("kit-24")) == names[240:250]

    def test_list_holds_no_values(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """A listing shows names and never values."""
        if not can.list:
            refused(Unsupported, lambda: list(store.list()))
            return
        value = f"example-{uuid.uuid4()}"
        put("kit-text", value)
        assert [info.name for info in store.list()] == ["kit-text"]
        assert value not in repr(list(store.list()))

    def test_empty_list(self, store: SecretStore, can: Capabilities) -> None:
        """An empty place, or a prefix that nothing has, lists nothing."""
        if can.list:
            assert list(store.list()) == []
            assert list(store.list("kit-missing/")) == []
        else:
            refused(Unsupported, lambda: list(store.list()))

    def test_names_with_slashes(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """A name may have folders, and they list like any prefix; elsewhere it is refused."""
        if not can.slashes:
            refused(InvalidReference, lambda: store.get("kit/team/db"))
            return
        put("kit/team/db", "example")
        put("kit/other", "example")
        assert store.get("kit/team/db") == "example"
        if can.list:
            assert [info.name for info in store.list("kit/team/")] == ["kit/team/db"]
            assert sorted(info.name for info in store.list("kit")) == ["kit/other", "kit/team/db"]
