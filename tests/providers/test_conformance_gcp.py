"""The conformance kit over the Secret Manager double, by gRPC over TLS with a login (S0.13, S0.73, S1.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pytest
from gcp_lab import GcpLab

from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager, Harness, ProviderConformance, gcp_secret_manager


class GcpHarness(Harness):
    """A project of its own on a shared double."""

    def __init__(self, lab: GcpLab, prefix: str = "") -> None:
        self.lab, self.prefix = lab, prefix
        self.entry = {"provider": "gcp_secretmanager", **lab.settings, **({"prefix": prefix} if prefix else {})}
        self.capabilities = GcpProvider.capabilities

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return self.lab.server.denied(f"{self.prefix}{name}")

    def down(self) -> AbstractContextManager[Any]:
        return self.lab.server.down()

    def throttled(self, *, briefly: bool) -> AbstractContextManager[Any]:
        return self.lab.server.throttled(1 if briefly else None)

    def expire_login(self) -> None:
        self.lab.server.expire_tokens()


@pytest.fixture(scope="module")
def secured() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager(tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def emulator() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager() as server:
        yield server


@pytest.fixture
def lab(secured: GcpSecretManager, monkeypatch: pytest.MonkeyPatch) -> GcpLab:
    """A project that this process logs in to as a service account."""
    for name, value in secured.environment("service_account").items():
        monkeypatch.setenv(name, value)
    return GcpLab(secured)


class TestSecrets(ProviderConformance):
    """Names are secrets of a project."""

    @pytest.fixture
    def harness(self, lab: GcpLab) -> Harness:
        return GcpHarness(lab)


class TestPrefix(ProviderConformance):
    """Names stand behind a prefix, beside secrets of others; an emulator without TLS."""

    impossible: ClassVar[Mapping[str, str]] = {"expired": "an emulator asks for no login"}

    @pytest.fixture
    def harness(self, emulator: GcpSecretManager) -> Harness:
        lab = GcpLab(emulator)
        lab.put("kit-others", b"not ours")
        return GcpHarness(lab, prefix="ml-")
