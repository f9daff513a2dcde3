"""The provider `github` inside a job of GitHub Actions: it reads what the workflow passes on, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tacenda
from tacenda import reveal
from tacenda.errors import InvalidReference, SecretNotFound, Unsupported
from tacenda.masking import Masker
from tacenda.providers.github import GithubProvider
from tacenda.testing._conformance._base import refused


@pytest.fixture(autouse=True)
def _job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REPOSITORY", "example-org/example-repo")


def store(**settings: Any) -> tacenda.SecretStore:
    return tacenda.open_store(config={"stacks": {"ci": {"secrets": {"provider": "github", **settings}}}})


def test_a_passed_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env: {API_KEY: secrets.API_KEY}` is all that a job needs: no setting, no token, no request."""
    monkeypatch.setenv("API_KEY", "  example \n")
    monkeypatch.setenv("ML_DB", '{"USER": "example", "PORT": 5432}')
    with store() as job, store(prefix="ml-") as prefixed:
        assert job.get("api-key") == "  example \n"
        assert reveal(prefixed.get("db")) == {"USER": "example", "PORT": 5432}
        assert prefixed.get("db", "PORT") == 5432
        assert job.info("api-key").version is None


def test_a_missing_secret_shows_the_line_to_add() -> None:
    """What the workflow does not pass on is missing, and the hint is the line that it lacks."""
    with store() as job:
        error = refused(SecretNotFound, lambda: job.get("api-key"))
        assert job.get("api-key", default=None) is None
    assert "API_KEY: ${{ secrets.API_KEY }}" in str(error.hint)
    assert "`env:`" in str(error.hint)


def test_the_hint_names_the_environment() -> None:
    """The secrets of a deployment environment need one line more."""
    with store(repository="example-org/example-repo", environment="production") as job:
        error = refused(SecretNotFound, lambda: job.get("api-key"))
    assert "`environment: production` to the job" in str(error.hint)


def test_an_empty_variable_is_a_missing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub passes on an empty text for a secret that does not exist, or that a fork's run may not have."""
    monkeypatch.setenv("API_KEY", "")
    with store() as job:
        error = refused(SecretNotFound, lambda: job.get("api-key"))
    assert "no such secret" in str(error)


def test_injected_values_are_not_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tacenda itself put into the environment is no secret of GitHub's."""
    monkeypatch.setenv("API_KEY", "example-value")
    monkeypatch.setenv("TACENDA_INJECTED", "OTHER,API_KEY")
    with store() as job:
        refused(SecretNotFound, lambda: job.get("api-key"), "example-value")


def test_a_job_can_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing, deleting and listing are refused with the reason: a job keeps the values it started with."""
    monkeypatch.setenv("API_KEY", "example-value")
    job = GithubProvider({"repository": "example-org/example-repo", "token": "example-token"}, Path())
    for call in (
        lambda: job.write("API_KEY", "example-new"),
        lambda: job.delete("API_KEY"),
        lambda: job.list(""),
    ):
        assert "started with" in str(refused(Unsupported, call, "example-new", "example-token").hint)
    refused(Unsupported, lambda: job.modify("API_KEY", lambda document: "x"))
    refused(Unsupported, lambda: job.read("API_KEY", "1"))
    job.check()


def test_another_repositorys_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference to this repository reads the variable; another one's secrets a job does not have."""
    monkeypatch.setenv("API_KEY", "example-value")
    with store() as job:
        assert job.get("github://Example-Org/example-repo/API_KEY") == "example-value"
        error = refused(Unsupported, lambda: job.get("github://example-org/other/API_KEY"))
        refused(InvalidReference, lambda: job.get("github://other/API_KEY"))
    assert "example-org/other" in str(error)


def test_values_are_masked(monkeypatch: pytest.MonkeyPatch, empty_registry: Masker) -> None:
    """GitHub masks whole secrets; tacenda masks their parts as well."""
    monkeypatch.setenv("DB", '{"PASSWORD": "example-password"}')
    with store() as job:
        job.get("db")
    assert empty_registry.mask("with example-password") == "with [masked]"


def test_the_next_in_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain goes on where the workflow passes nothing on, so one configuration serves both places."""
    monkeypatch.setenv("FALLBACK_API_KEY", "example-value")
    chain = [{"provider": "github"}, {"provider": "env", "prefix": "FALLBACK_"}]
    with tacenda.open_store(config={"stacks": {"ci": {"secrets": chain}}}) as job:
        assert job.get("api-key") == "example-value"


def test_reading_needs_no_sdk() -> None:
    """A job that reads does not even import PyGithub."""
    program = (
        "import sys, tacenda\n"
        "store = tacenda.open_store(config={'stacks': {'x': {'secrets': 'github'}}})\n"
        "assert store.get('api-key') == 'example-value'\n"
        "assert 'github' not in sys.modules"
    )
    import os

    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "API_KEY": "example-value"})
