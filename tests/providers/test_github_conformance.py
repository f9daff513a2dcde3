"""The conformance kit over GitHub secrets inside a job; what is outside cannot be read back, and is in test_github."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from tacenda._naming import spell
from tacenda.errors import Unsupported
from tacenda.providers.github import GithubProvider
from tacenda.testing import Harness, ProviderConformance

NOBODY = "a job reads its own environment: nobody is asked, nothing has a quota or a login; outside: test_github"


class JobHarness(Harness):
    """Secrets as a workflow passes them on: `env: {NAME: secrets.NAME}`."""

    entry: ClassVar[dict[str, str]] = {"provider": "github", "prefix": "KIT_EXAMPLE_"}

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("GITHUB_ACTIONS", "true")
        self.environment = environment
        self.capabilities = GithubProvider(self.entry, None).capabilities  # type: ignore[arg-type]

    def seed(self, name: str, value: Any) -> None:
        if isinstance(value, bytes) or not value or len(value) > 48 * 1024:
            raise Unsupported("GitHub holds text, at least one byte and at most 48 KB")
        text = value if isinstance(value, str) else json.dumps(value)
        self.environment.setenv(spell("github", f"{self.entry['prefix']}{name}"), text)


class TestJob(ProviderConformance):
    """Inside GitHub Actions: read, and nothing else."""

    impossible: ClassVar[dict[str, str]] = dict.fromkeys(("denied", "down", "throttled", "expired"), NOBODY)

    @pytest.fixture
    def harness(self, monkeypatch: pytest.MonkeyPatch) -> Harness:
        return JobHarness(monkeypatch)
