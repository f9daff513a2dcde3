"""The page's "Environment Variables (Local Development)", with a local file and `tacenda run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from page_flows import SECRET, artifact, run_page, succeeded

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

KEY, PASSWORD = (SECRET % (kind, "here") for kind in ("key", "password"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two secrets in a file."""
    stored = {"api-keys": {"API_KEY": KEY}, "db-credentials": {"PASSWORD": PASSWORD}}
    (tmp_path / ".secrets.json").write_text(json.dumps(stored))
    (tmp_path / ".secrets.json").chmod(0o600)
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}")
    return tmp_path


def test_run(project: Path):
    """`tacenda run --secret api-keys` gives the page's flow its variable, and no other (S1.44, S1.45)."""
    done = succeeded(run_page("local_flow.py", project, injected="api-keys"))
    assert "the key [masked], others None\n" in done.output
    assert artifact(project, "LocalSecrets", "result") == {"status": "ok", "length": len(KEY)}
    assert done.leaks(KEY, PASSWORD) == []


def test_missing_variable(project: Path):
    """Without the variable the flow's own error reaches its author as it is (S1.46)."""
    done = run_page("local_flow.py", project)
    assert done.code == 1
    assert 'raise ValueError("API_KEY not set")' in done.output
    assert "ValueError: API_KEY not set" in done.output
