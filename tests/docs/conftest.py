"""A reader at a terminal, in a directory of their own, and a real server or a double of each backend."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # import-mode=importlib finds no helpers beside the tests
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from reader import Reader

from tacenda.testing import (
    AzureKeyVault,
    GcpSecretManager,
    GithubSecrets,
    Moto,
    OpenBao,
    azure_key_vault,
    gcp_secret_manager,
    github_secrets,
    moto,
    openbao,
)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Somebody who copies what the README says."""
    return Reader(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenBao]:
    """A real server of the Vault API."""
    with openbao() as running:
        yield running


@pytest.fixture(scope="module")
def aws() -> Iterator[Moto]:
    """A real moto server."""
    with moto() as running:
        yield running


@pytest.fixture
def azure() -> Iterator[AzureKeyVault]:
    """The double of a vault."""
    with azure_key_vault() as running:
        yield running


@pytest.fixture
def gcp() -> Iterator[GcpSecretManager]:
    """The double of Secret Manager, with TLS."""
    with gcp_secret_manager(tls=True) as running:
        yield running


@pytest.fixture
def github() -> Iterator[GithubSecrets]:
    """The double of GitHub's API."""
    with github_secrets() as running:
        yield running
