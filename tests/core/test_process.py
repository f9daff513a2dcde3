"""`tacenda.get`: one store for the process, in place of a global that somebody has to set."""

from __future__ import annotations

import threading

from shelf_backend import SHELVES

import tacenda
from tacenda._process import process_store


def configure(directory, shelf):
    directory.mkdir(exist_ok=True)
    (directory / "tacenda.yaml").write_text(f"stacks: {{dev: {{secrets: {{provider: shelf, shelf: {shelf}}}}}}}\n")
    SHELVES[shelf].put("token", f"example-{shelf}")


def test_get_reads_from_the_active_stack(workplace):
    """All of `get`'s arguments work."""
    configure(workplace, "one")
    SHELVES["one"].put("keys", {"A": "example-a"})
    assert tacenda.get("keys", "A") == "example-a"
    assert tacenda.get("nope", default=None) is None
    assert tacenda.get_many(["token", "keys#A"]) == {"token": "example-one", "keys#A": "example-a"}


def test_one_store_for_all_calls(workplace):
    """One cache and one login, however often it is called."""
    configure(workplace, "one")
    assert process_store() is process_store()
    tacenda.get("token")
    tacenda.get("token")
    assert SHELVES["one"].reads() == ["token"]


def test_threads_share_the_store(workplace):
    """Eight threads that begin at once open one store."""
    configure(workplace, "one")
    barrier, stores = threading.Barrier(8), []

    def use():
        barrier.wait(10)
        stores.append(process_store())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(map(id, stores))) == 1


def test_another_directory_is_another_configuration(workplace, monkeypatch):
    """What holds in one project does not leak into the next."""
    configure(workplace, "one")
    configure(workplace / "sub", "two")
    assert tacenda.get("token") == "example-one"
    monkeypatch.chdir(workplace / "sub")
    assert tacenda.get("token") == "example-two"


def test_named_configuration_is_noticed(workplace, monkeypatch):
    """TACENDA_CONFIG set later in the process takes effect."""
    configure(workplace, "one")
    configure(workplace / "other", "two")
    assert tacenda.get("token") == "example-one"
    monkeypatch.setenv("TACENDA_CONFIG", str(workplace / "other" / "tacenda.yaml"))
    assert tacenda.get("token") == "example-two"
