"""The conformance kit over environment variables (S0.6, S0.7)."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from tacenda.errors import Unsupported
from tacenda.providers.env import EnvProvider
from tacenda.testing import Harness, ProviderConformance


class EnvHarness(Harness):
    """The variables that start with a prefix of the test's own."""

    entry: ClassVar[dict[str, str]] = {"provider": "env", "prefix": "KIT_EXAMPLE_"}
    capabilities = EnvProvider.capabilities

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self.environment = environment

    def seed(self, name: str, value: Any) -> None:
        if isinstance(value, bytes):
            raise Unsupported("a variable holds no NUL, so it cannot hold arbitrary bytes")
        text = value if isinstance(value, str) else json.dumps(value)
        self.environment.setenv(f"{self.entry['prefix']}{name}", text)


class TestEnv(ProviderConformance):
    """Variables with a prefix, so that they can be listed."""

    impossible: ClassVar[dict[str, str]] = {
        "denied": "a process may read its own environment",
        "down": "the environment is in the process",
        "throttled": "the environment has no quota",
        "expired": "the environment has no login",
    }

    @pytest.fixture
    def harness(self, monkeypatch: pytest.MonkeyPatch) -> Harness:
        return EnvHarness(monkeypatch)
