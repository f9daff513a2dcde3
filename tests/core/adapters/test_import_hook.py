"""Adapters wait for an orchestrator's modules without importing them."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import zipfile

import pytest

from tacenda._adapters import when_imported


@pytest.fixture
def orchestrator(tmp_path, monkeypatch):
    """A package `orchestra` with a module `player`, gone from this process afterwards."""
    package = tmp_path / "orchestra"
    package.mkdir()
    (package / "__init__.py").write_text("started = True\n")
    (package / "player.py").write_text("def play():\n    return 'played'\n")
    (package / "broken.py").write_text("raise RuntimeError('out of tune')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "orchestra"]:
        del sys.modules[name]


def test_called_when_it_is_imported(orchestrator):
    """Waiting imports nothing; the callback gets the module after its code has run, before anybody can use it."""
    seen = []
    when_imported("orchestra.player", lambda module: seen.append(module.play()))
    assert "orchestra" not in sys.modules
    import orchestra

    assert (orchestra.started, seen) == (True, [])
    importlib.import_module("orchestra.player")
    assert seen == ["played"]


def test_called_at_once_when_it_is_there(orchestrator):
    """A module that was imported before is called back with at once."""
    player = importlib.import_module("orchestra.player")
    seen = []
    when_imported("orchestra.player", seen.append)
    assert seen == [player]


def test_called_once_each(orchestrator):
    """Several may wait for one module; each is called once, also when it is reloaded."""
    seen = []
    when_imported("orchestra.player", lambda _: seen.append("first"))
    when_imported("orchestra.player", lambda _: seen.append("second"))
    player = importlib.import_module("orchestra.player")
    importlib.reload(player)
    assert seen == ["first", "second"]


def test_module_stays_what_it_is(orchestrator):
    """Its source, file and loader are as without us, so inspect, pickle and packagers find them."""
    when_imported("orchestra.player", lambda _: None)
    player = importlib.import_module("orchestra.player")
    assert "return 'played'" in inspect.getsource(player)
    assert player.__spec__.loader.get_source("orchestra.player").startswith("def play")
    assert type(player.__loader__).__name__ == "SourceFileLoader"


def test_zip_archive(tmp_path, monkeypatch):
    """In an archive all modules have one loader: the callback still gets the module that it waits for."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/other.py", "")
        archive.writestr("zipped/player.py", "import zipped.other\n")
    monkeypatch.syspath_prepend(tmp_path / "archive.zip")
    seen = []
    when_imported("zipped.player", lambda module: seen.append(module.__name__))
    try:
        importlib.import_module("zipped.player")
    finally:
        for name in ("zipped", "zipped.other", "zipped.player"):
            sys.modules.pop(name, None)
    assert seen == ["zipped.player"]


def test_missing_and_broken_modules(orchestrator):
    """What cannot be imported fails as without us."""
    when_imported("orchestra.nobody", lambda _: None)
    when_imported("orchestra.broken", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"orchestra\.nobody"):
        importlib.import_module("orchestra.nobody")
    with pytest.raises(RuntimeError, match="out of tune"):
        importlib.import_module("orchestra.broken")


def test_imported_by_two_threads(orchestrator):
    """Two threads that import it at the same time both see it changed."""
    (orchestrator / "slow.py").write_text("import time\ntime.sleep(0.2)\nvalue = 'old'\n")
    when_imported("orchestra.slow", lambda module: setattr(module, "value", "new"))
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(importlib.import_module("orchestra.slow").value)) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["new", "new"]
