"""The conformance kit over Azure Key Vault: names as they are, and behind a prefix (S0.11, S0.31, S0.73)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from azure_lab import AzureLab

from tacenda.providers.azure import AzureProvider
from tacenda.testing import Harness, ProviderConformance


class AzureHarness(Harness):
    """The double, empty, and a service principal that may do everything there."""

    capabilities = AzureProvider.capabilities
    unknown_version = "0" * 32

    def __init__(self, lab: AzureLab, **settings: Any) -> None:
        self.lab = lab
        self.prefix = settings.get("prefix", "")
        self.entry = {"provider": "azure_keyvault", **lab.settings, **lab.principal, **settings}

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return self.lab.server.denied(f"{self.prefix}{name}".replace("_", "-"))

    def down(self) -> AbstractContextManager[Any]:
        return self.lab.server.down()

    def throttled(self, *, briefly: bool) -> AbstractContextManager[Any]:
        return self.lab.server.throttled(0.5, retry_after=1) if briefly else self.lab.server.throttled()

    def expire_login(self) -> None:
        self.lab.server.expire_tokens()


class TestNames(ProviderConformance):
    """Names are secrets of the vault."""

    @pytest.fixture
    def harness(self, azure: AzureLab) -> Harness:
        return AzureHarness(azure)


class TestPrefix(ProviderConformance):
    """Names behind a prefix, with an underscore, which the vault spells as a hyphen."""

    @pytest.fixture
    def harness(self, azure: AzureLab) -> Harness:
        return AzureHarness(azure, prefix="ml_jobs-")
