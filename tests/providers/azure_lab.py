"""What tests of Azure Key Vault share: settings that lead to the double, providers that are closed, the requests."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

import tacenda
from tacenda.providers.azure import AzureProvider
from tacenda.testing import AzureKeyVault


class AzureLab(contextlib.ExitStack):
    """One vault that nobody else uses as long as the block lasts."""

    def __init__(self, server: AzureKeyVault) -> None:
        super().__init__()
        self.server = server
        self.host = server.url.removeprefix("https://")
        self.client = server.client()

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a stack entry that lead here, without a login."""
        return {"vault_url": self.server.url, "disable_instance_discovery": True}

    @property
    def principal(self) -> dict[str, Any]:
        """Settings that log in as a service principal."""
        return {
            "tenant_id": self.server.tenant_id,
            "client_id": self.server.client_id,
            "client_secret": self.server.client_secret,
            "authority": self.server.url,
        }

    def provider(self, **settings: Any) -> AzureProvider:
        """Return a provider of this vault that logs in as a service principal; settings of None are left out."""
        chosen = {**self.settings, **self.principal, **settings}
        return self._opened({name: value for name, value in chosen.items() if value is not None})

    def bare(self, **settings: Any) -> AzureProvider:
        """Return a provider whose login is the environment's."""
        return self._opened({**self.settings, **settings})

    def store(self, **settings: Any) -> tacenda.SecretStore:
        """Return a store without a cache over this vault."""
        entry = {"provider": "azure_keyvault", **self.settings, **self.principal, **settings}
        stack = {"secrets": entry, "cache_ttl": 0}
        return self.enter_context(tacenda.open_store(config={"stacks": {"azure": stack}}))

    def log_in(self, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
        """Set the variables of a login, as they are on the machine where it is used."""
        for name, value in self.server.environment(login).items():
            monkeypatch.setenv(name, value)

    def data(self) -> list[str]:
        """Return the requests to the vault since the last call, without their query."""
        found = [request.partition("?")[0] for request in self.server.requests]
        self.server.requests.clear()
        return [request for request in found if "/secrets" in request or "/deletedsecrets" in request]

    def _opened(self, settings: dict[str, Any]) -> AzureProvider:
        provider = AzureProvider(settings, Path())
        self.callback(provider.close)
        return provider


def read(provider: AzureProvider, name: str = "api-keys", version: str | None = None) -> Any:
    """Return a value by its plain name."""
    return provider.read(provider.path_of(name), version).value
