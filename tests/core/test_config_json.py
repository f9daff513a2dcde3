"""A stack's snapshot as a configuration file, where tacenda came without the packages that it requires."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import tacenda
from tacenda.errors import ConfigurationError, MissingDependency

LOCAL = {"stacks": {"dev": {"secrets": {"provider": "local", "path": "kept.json"}}}}


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a stack with a relative path, in another directory, which TACENDA_CONFIG names."""
    home, elsewhere = tmp_path / "desk", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "kept.json").write_text('{"api-key": "example-value"}')
    store = tacenda.open_store(config={**LOCAL, "base": str(home)})
    path = elsewhere / "stack.json"
    path.write_text(json.dumps(store.stack.snapshot()))
    monkeypatch.setenv("TACENDA_CONFIG", str(path))
    monkeypatch.chdir(elsewhere)
    return path


def test_snapshot_as_a_file(snapshot, monkeypatch):
    """Its relative paths start where they started; PyYAML is not needed."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert tacenda.open_store().get("api-key") == "example-value"


def test_json_without_base(snapshot):
    """A JSON file that says no `base` is like any other: paths start at its directory."""
    snapshot.write_text(json.dumps(LOCAL))
    (snapshot.parent / "kept.json").write_text('{"api-key": "example-other"}')
    assert tacenda.open_store().get("api-key") == "example-other"


@pytest.mark.parametrize(("text", "problem"), [("{", "malformed JSON"), ("[]", "must be a mapping")])
def test_no_snapshot(snapshot, text: str, problem: str):
    """What is no snapshot is an error that names the file."""
    snapshot.write_text(text)
    with pytest.raises(ConfigurationError, match=problem) as failed:
        tacenda.open_store()
    assert str(snapshot) in str(failed.value)


def test_yaml_without_pyyaml(snapshot, monkeypatch):
    """A YAML file where PyYAML is missing is an error that says so."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = snapshot.with_suffix(".yaml")
    path.write_text("stacks: {}")
    monkeypatch.setenv("TACENDA_CONFIG", str(path))
    with pytest.raises(MissingDependency, match="pyyaml is not installed") as failed:
        tacenda.open_store()
    assert failed.value.hint == "pip install pyyaml"
