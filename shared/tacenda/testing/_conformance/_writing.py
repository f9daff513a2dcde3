"""Writing loses nothing: not other keys, not other writers' work, not what was there before."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from tacenda import SecretStore, reveal
from tacenda._errors import Conflict, SecretNotFound, Unsupported
from tacenda.testing._conformance._base import ConformanceBase, Opener, Put, refused

if TYPE_CHECKING:
    from tacenda.providers import Capabilities
    from tacenda.testing._conformance._harness import Harness

__all__ = ["WritingTests"]

WRITERS = 16


class WritingTests(ConformanceBase):
    """Replacing, creating, updating and deleting; versions, tags and times."""

    def test_write_replaces(self, store: SecretStore, can: Capabilities) -> None:
        """The last value written is the one that is read; a read-only backend refuses."""
        if not can.write:
            refused(Unsupported, lambda: store.set("kit-text", "example"))
            return
        store.set("kit-text", "first")
        store.set("kit-text", "second")
        assert store.get("kit-text") == "second"

    def test_create_never_replaces(self, store: SecretStore, can: Capabilities) -> None:
        """`create=True` writes what is new, and is a Conflict for what exists, which stays."""
        if not can.create:
            refused(Unsupported, lambda: store.set("kit-new", "example", create=True))
            return
        value = f"example-{uuid.uuid4()}"
        store.set("kit-new", value, create=True)
        refused(Conflict, lambda: store.set("kit-new", "other", create=True), value)
        assert store.get("kit-new") == value

    def test_create_after_delete(self, store: SecretStore, can: Capabilities, harness: Harness) -> None:
        """What was deleted can be created again, or the error says how to get it back."""
        if can.create and can.delete:
            store.set("kit-new", "first")
            store.delete("kit-new")
            if not (can.recreate or harness.one_document):
                assert refused(Conflict, lambda: store.set("kit-new", "second", create=True)).hint
                return
            store.set("kit-new", "second", create=True)
            assert store.get("kit-new") == "second"
        else:
            refused(Unsupported, lambda: store.set("kit-new", "second", create=True))

    def test_one_of_many_creates(self, opener: Opener, can: Capabilities) -> None:
        """Of 16 writers that create the same secret one wins, and the others know."""
        store = opener()

        def create(number: int) -> bool:
            try:
                store.set("kit-race", f"writer {number}", create=True)
            except Conflict:
                return False
            return True

        if can.create:
            with ThreadPoolExecutor(WRITERS) as pool:
                won = list(pool.map(create, range(WRITERS)))
            assert won.count(True) == 1
            assert store.get("kit-race") == f"writer {won.index(True)}"
        else:
            refused(Unsupported, lambda: create(0))

    def test_update_keeps_siblings(self, store: SecretStore, can: Capabilities) -> None:
        """Updating one key leaves the others, with their types."""
        if not can.update:
            refused(Unsupported, lambda: store.update("kit-bundle", {"B": "new"}))
            return
        store.set("kit-bundle", {"A": "example", "B": "old", "PORT": 5432, "none": None})
        store.update("kit-bundle", {"B": "new"})
        assert reveal(store.get("kit-bundle")) == {"A": "example", "B": "new", "PORT": 5432, "none": None}

    def test_concurrent_updates_lose_nothing(self, opener: Opener, can: Capabilities) -> None:
        """16 writers that update one secret at once, over two stores, all find their key in it."""
        stores = opener(), opener()
        if not can.update:
            refused(Unsupported, lambda: stores[0].update("kit-shared", {"KEY": "example"}))
            return
        expected = {f"KEY_{number}": f"value {number}" for number in range(WRITERS)}
        stores[0].set("kit-shared", {"FIRST": "value"})

        def update(number: int) -> None:
            stores[number % 2].update("kit-shared", {f"KEY_{number}": f"value {number}"})

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(update, range(WRITERS)))
        assert reveal(stores[0].get("kit-shared", fresh=True)) == {"FIRST": "value", **expected}

    def test_delete(self, store: SecretStore, can: Capabilities, harness: Harness) -> None:
        """What was deleted is missing, a second deletion says so, and the name can be used again where that is so."""
        if not can.delete:
            refused(Unsupported, lambda: store.delete("kit-text"))
            return
        value = f"example-{uuid.uuid4()}"
        store.set("kit-other", "stays")
        store.set("kit-text", value)
        store.delete("kit-text")
        refused(SecretNotFound, lambda: store.get("kit-text"), value)
        refused(SecretNotFound, lambda: store.delete("kit-text"), value)
        assert store.get("kit-other") == "stays"
        if can.recreate or harness.one_document:
            store.set("kit-text", "again")
            assert store.get("kit-text") == "again"
        else:
            assert refused(Conflict, lambda: store.set("kit-text", "again"), value).hint

    def test_earlier_versions(self, store: SecretStore, put: Put, can: Capabilities, harness: Harness) -> None:
        """A version that was written can be read by its number later."""
        if not can.versions:
            put("kit-text", "example")
            refused(Unsupported, lambda: store.get("kit-text", version=harness.unknown_version))
            return
        put("kit-text", "first")
        first = store.info("kit-text").version
        put("kit-text", "second")
        second = store.info("kit-text").version
        assert first
        assert first != second
        assert store.get("kit-text", version=first) == "first"
        assert store.get("kit-text", version=second) == "second"

    def test_deleted_version(self, store: SecretStore, can: Capabilities, harness: Harness) -> None:
        """A deleted version is missing, also by its number."""
        if not can.delete:
            refused(Unsupported, lambda: store.delete("kit-text"))
        elif can.versions and not harness.one_document:
            value = f"example-{uuid.uuid4()}"
            written = store.set("kit-text", value)
            store.delete("kit-text")
            error = refused(SecretNotFound, lambda: store.get("kit-text", version=written.version), value)
            assert "deleted" in str(error)
        else:
            store.set("kit-text", "example")
            store.delete("kit-text")
            refused(SecretNotFound, lambda: store.info("kit-text"))

    def test_tags(self, store: SecretStore, can: Capabilities, harness: Harness) -> None:
        """Tags come back in `info`, where the backend keeps tags."""
        tags = {"owner": "example-team", "ticket": "42"}
        if can.tags and not harness.one_document:
            store.set("kit-tagged", "example", tags=tags)
            assert store.info("kit-tagged").tags == tags
            store.set("kit-tagged", "new")
            assert store.info("kit-tagged").tags == tags
        else:
            refused(Unsupported, lambda: store.set("kit-tagged", "example", tags=tags))

    def test_times(self, store: SecretStore, put: Put, can: Capabilities) -> None:
        """Created and updated times are RFC 3339, where the backend tells them."""
        put("kit-text", "example")
        info = store.info("kit-text")
        assert info.name == "kit-text"
        if can.times:
            assert _time(info.created) <= _time(info.updated)
        else:
            assert (info.created, info.updated) == (None, None)


def _time(text: str | None) -> datetime:
    assert text is not None
    seconds, _, zone = text.replace("Z", "+00:00").partition(".")
    return datetime.fromisoformat(f"{seconds}+00:00" if zone else seconds)
