"""The conformance kit over a Vault or OpenBao of one's own: TACENDA_TEST_VAULT_URL, or `--docker` (S0.10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pytest

from tacenda.providers._asked import Asked
from tacenda.providers.vault import VaultProvider
from tacenda.testing import Harness, ProviderConformance


class VaultHarness(Harness):
    """Documents below a prefix of the test's own, with the developer's login."""

    def __init__(self, url: str, mount: str, prefix: str) -> None:
        self.entry = {"provider": "vault", "vault_url": url, "vault_mount": mount, "prefix": prefix}
        self.provider = VaultProvider({name: self.entry[name] for name in self.entry if name != "provider"}, Path())
        self.capabilities = self.provider.capabilities

    def clean(self) -> None:
        """Remove every document for good: all versions, and the metadata."""
        self._remove("", self.entry["prefix"])
        self.provider.close()

    def _remove(self, folder: str, prefix: str) -> None:
        place, client = f"{self.entry['vault_mount']}/metadata/{quote(folder)}", self.provider._client()
        asked = Asked(client.server, "clean up", folder or prefix)
        names = client.call("LIST", place, asked, expected=(404,)).data.get("keys", [])
        for name in names:
            if not name.startswith(prefix):
                continue
            if name.endswith("/"):
                self._remove(folder + name, "")
            else:
                client.call("DELETE", f"{place}{quote(name)}", asked)


class TestVault(ProviderConformance):
    """KV version 2, names are documents."""

    impossible: ClassVar[dict[str, str]] = {
        "denied": "who tests with a login of their own does not take its rights away",
        "down": "nobody stops a server that others use",
        "throttled": "nobody uses up a quota that others share",
        "expired": "a token that is revoked is one that the developer has to get anew",
    }

    @pytest.fixture
    def harness(self, surroundings: dict[str, str], prefix: str) -> Iterator[Harness]:
        mount = surroundings.get("TACENDA_TEST_VAULT_MOUNT", "secret")
        made = VaultHarness(surroundings["TACENDA_TEST_VAULT_URL"], mount, prefix)
        yield made
        made.clean()
