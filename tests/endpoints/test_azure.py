"""The conformance kit over one's own Key Vault: TACENDA_TEST_AZURE_URL, or `--docker` (S0.11)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tacenda.providers._azure_names import azure_name
from tacenda.providers.azure import AzureProvider
from tacenda.testing import Harness, ProviderConformance

LAG = 60.0
"""How long listings, deletions and purges may take until they are through, in seconds."""


class AzureHarness(Harness):
    """Secrets with a prefix of the test's own, with the developer's login."""

    def __init__(self, url: str, api_version: str | None, prefix: str) -> None:
        self.url, self.prefix = url, prefix
        self.written: set[str] = set()
        self.options = {"api_version": api_version} if api_version else {}
        settings = {"vault_url": url, "prefix": prefix, **self.options}
        self.entry = {"provider": "azure_keyvault", **settings}
        self.capabilities = AzureProvider(settings, Path()).capabilities
        self.unknown_version = "0" * 32

    def clean(self) -> None:
        """Delete and purge every secret, waiting for what Azure is still busy with; needs the right to purge."""
        from azure.identity import DefaultAzureCredential
        from azure.keyvault.secrets import SecretClient

        left = {azure_name(f"{self.prefix}{name}").lower() for name in self.written}
        deadline = time.monotonic() + LAG
        with (
            DefaultAzureCredential() as credential,
            SecretClient(self.url, credential, **self.options) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            while left and time.monotonic() < deadline:
                deleted = self._ours(client.list_deleted_secrets())
                list(pool.map(_unless_busy, [client.purge_deleted_secret] * len(deleted), deleted))
                there = self._ours(client.list_properties_of_secrets())
                list(pool.map(_unless_busy, [client.begin_delete_secret] * len(there), there))
                left -= {name.lower() for name in deleted}
                time.sleep(0.1)
        assert not left, "left behind: Azure was too slow"

    def _ours(self, found: Any) -> list[str]:
        return [secret.name for secret in found if secret.name.startswith(self.prefix)]


def _unless_busy(call: Callable[[str], object], name: str) -> None:
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    with contextlib.suppress(ResourceNotFoundError, ResourceExistsError):  # 409: it is being deleted or purged
        call(name)


class TestAzure(ProviderConformance):
    """Names are secrets."""

    impossible: ClassVar[dict[str, str]] = {
        "denied": "who tests with a login of their own does not take its rights away",
        "down": "nobody switches Azure off",
        "throttled": "nobody uses up a quota that the vault's users share",
        "expired": "only Entra lets its own tokens expire",
    }

    @pytest.fixture
    def harness(self, surroundings: dict[str, str], prefix: str) -> Iterator[Harness]:
        version = surroundings.get("TACENDA_TEST_AZURE_API_VERSION")
        made = AzureHarness(surroundings["TACENDA_TEST_AZURE_URL"], version, prefix)
        yield made
        made.clean()

    @pytest.fixture
    def store(self, opener: Any, harness: AzureHarness, settling: Callable[[Any, float], Any]) -> Any:
        store = settling(opener(), LAG)
        harness.written = store.written
        return store
