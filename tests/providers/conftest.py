"""The real servers that provider tests talk to. Tests share them and keep apart by mounts of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lab import AwsGateway, AwsLab
from azure_lab import AzureLab
from vault_lab import VaultLab

from tacenda.testing import AzureKeyVault, Gateway, Moto, OpenBao, azure_key_vault, moto, openbao

_FOREIGN = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's proxies, authorities or `~/.vault-token`; tests/conftest.py took the rest."""
    for variable in [name for name in os.environ if name.upper().startswith(_FOREIGN)]:
        monkeypatch.delenv(variable)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def bao() -> Iterator[OpenBao]:
    with openbao() as server:
        yield server


@pytest.fixture(scope="session")
def bao_tls() -> Iterator[OpenBao]:
    with openbao(tls=True) as server:
        yield server


@pytest.fixture
def gateway(bao: OpenBao) -> Iterator[Gateway]:
    """The way to the server that counts requests and can be cut."""
    with Gateway(bao.url) as way:
        yield way


@pytest.fixture
def lab(bao: OpenBao, gateway: Gateway) -> VaultLab:
    """An empty KV v2 mount of the test's own."""
    return VaultLab(bao, gateway)


@pytest.fixture
def root(bao: OpenBao) -> Any:
    """An hvac client with the root token."""
    return bao.client()


@pytest.fixture(scope="session")
def key_vault() -> Iterator[AzureKeyVault]:
    with azure_key_vault() as server:
        yield server


@pytest.fixture
def azure(key_vault: AzureKeyVault, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureLab]:
    """An empty Azure Key Vault, whose authority this process trusts."""
    key_vault.reset()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", key_vault.ca_cert)
    with AzureLab(key_vault) as lab:
        yield lab


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    with moto() as server:
        yield server


@pytest.fixture
def aws(moto_server: Moto) -> Iterator[AwsLab]:
    """An identity that may do everything on an empty AWS, and the way there that counts requests and can be cut."""
    with AwsGateway(moto_server.url) as way:
        yield AwsLab(moto_server, way)
