"""The page on GitHub Actions secrets is true: its stack, its settings, and each message that it explains."""

from __future__ import annotations

import os
from functools import partial

import pytest
import yaml
from cloud_page import Page, raised
from reader import TYPED, swap

from tacenda import open_store
from tacenda.errors import SecretError
from tacenda.providers.github import GithubProvider

PAGE = Page("github")
STACK, WORKFLOW = PAGE.blocks("yaml")


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests themselves may run in a job of GitHub Actions."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GH_"))]:
        monkeypatch.delenv(name)


def test_the_stack(reader, github):
    """The stack and the commands of the page put a secret where GitHub alone can open it, and show what they show."""
    where = f"repository: {github.repository}, api_url: '{github.url}'"
    reader.writes("tacenda.yaml", swap(STACK, "repository: example/training", where))
    reader.environment["TACENDA_ADAPTERS"] = "none"
    [console] = PAGE.blocks("console")
    reader.runs(swap(console, "GH_TOKEN=...", f"GH_ENTERPRISE_TOKEN={github.token}"))
    assert github.value("API_KEY") == TYPED


def test_the_workflow(tmp_path, monkeypatch):
    """What the page's workflow passes on is what the page's stack reads in the job."""
    step = yaml.safe_load(WORKFLOW)["jobs"]["train"]["steps"][-1]
    assert step["env"]["API_KEY"] == "${{ secrets.API_KEY }}"
    (tmp_path / "tacenda.yaml").write_text(STACK)
    for name, value in {**step["env"], "API_KEY": "example-from-the-job", "GITHUB_ACTIONS": "true"}.items():
        monkeypatch.setenv(name, value)
    with open_store(config=tmp_path / "tacenda.yaml") as store:
        assert store.get("api-key") == "example-from-the-job"


def test_settings():
    """The table has every setting of the provider and no other."""
    assert PAGE.settings() == set(GithubProvider.settings_help)


def test_symptoms(github, monkeypatch):
    """Whatever can go wrong, the message is in the table, once, and the table has no message that is never printed.

    Denied and missing are told apart (S1.76).
    """
    entry = {"provider": "github", "repository": github.repository, "api_url": github.url, "token": github.token}

    def ask(does: str, *value: str, **changes: str | None) -> SecretError:
        secrets = {name: setting for name, setting in {**entry, **changes}.items() if setting is not None}
        with open_store(config={"stacks": {"ci": {"secrets": secrets, "deadline": 0}}}) as store:
            return raised(lambda: getattr(store, does)("API_KEY", *value))

    write = partial(ask, "set", "example-key")
    with github.down():
        seen = [write()]
    seen += [write(token=None), write(repository=None), write(token="example-expired"), ask("get")]
    for fault in (github.denied(), github.hidden(), github.throttled(60)):
        with fault:
            seen.append(write())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    seen += [ask("get"), write()]
    monkeypatch.setenv("API_KEY", "")
    PAGE.explains([*seen, ask("get")])
