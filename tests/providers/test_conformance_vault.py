"""The conformance kit over Vault: KV v2, KV v1, and one document whose keys are the secrets (S0.10, S0.25)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from vault_lab import VaultLab

from tacenda.testing import Gateway, Harness, OpenBao, ProviderConformance

_LONG = 600.0
_DOCUMENT = "team/document"


class VaultHarness(Harness):
    """A mount of its own and an AppRole that may use it, on the shared server."""

    def __init__(self, lab: VaultLab, **settings: Any) -> None:
        self.lab = lab
        self.auth = lab.approle()
        self.entry = {"provider": "vault", **lab.settings, "auth": self.auth, **settings}
        self.capabilities = lab.provider().capabilities

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return self.lab.denied(name)

    def down(self) -> AbstractContextManager[Any]:
        return self.lab.gateway.down()

    def throttled(self, *, briefly: bool) -> AbstractContextManager[Any]:
        return self.lab.quota(2 if briefly else _LONG)

    def expire_login(self) -> None:
        self.lab.revoke_logins(self.auth["mount"])


class DocumentHarness(VaultHarness):
    """One document in which every secret is a key."""

    one_document = True

    def __init__(self, lab: VaultLab) -> None:
        super().__init__(lab, vault_path=_DOCUMENT)

    def largest(self, name: str) -> int | None:
        limit = self.capabilities.max_bytes
        return limit and limit + len("value") - len(name)

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return super().denied(_DOCUMENT)


class TestKvV2(ProviderConformance):
    """KV version 2, names are documents."""

    @pytest.fixture
    def harness(self, lab: VaultLab) -> Harness:
        return VaultHarness(lab)


class TestKvV1(ProviderConformance):
    """KV version 1, which declares that it cannot update, create, version or tag."""

    @pytest.fixture
    def harness(self, bao: OpenBao, gateway: Gateway) -> Harness:
        return VaultHarness(VaultLab(bao, gateway, kv_version=1))


class TestDocument(ProviderConformance):
    """KV version 2 with `vault_path`: names are keys of one document."""

    @pytest.fixture
    def harness(self, lab: VaultLab) -> Harness:
        return DocumentHarness(lab)


class TestPrefixAndSlashes(ProviderConformance):
    """A mount with slashes and a prefix with a folder."""

    @pytest.fixture
    def harness(self, bao: OpenBao, gateway: Gateway, request: pytest.FixtureRequest) -> Harness:
        lab = VaultLab(bao, gateway, mount=f"team/{abs(hash(request.node.nodeid))}/kv")
        return PrefixHarness(lab, prefix="ml/jobs-")


class PrefixHarness(VaultHarness):
    """Names stand below a folder and behind a prefix."""

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return super().denied(f"ml/jobs-{name}")
