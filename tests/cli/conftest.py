"""The command, in a directory of its own, on a local file or on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import VALUE, Cli

from tacenda.testing import OpenBao, openbao


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command, in a directory without a configuration."""
    (tmp_path / ".git").mkdir()  # ends the search for a configuration
    command = Cli(tmp_path)
    yield command
    command.end()


@pytest.fixture
def local(cli: Cli) -> Cli:
    """The command, with one stack on a local file."""
    cli.configure("{provider: local, path: secrets.json}")
    return cli


@pytest.fixture
def keys(local: Cli) -> Cli:
    """The command, with one secret to inject and one short one."""
    local.write("secrets.json", json.dumps({"token": VALUE, "db": {"PASSWORD": "example-password", "PIN": "1234"}}))
    return local


@pytest.fixture(scope="package")
def server() -> Iterator[OpenBao]:
    """A real server of the Vault API."""
    with openbao() as running:
        yield running


@pytest.fixture
def vault(cli: Cli, server: OpenBao, request: pytest.FixtureRequest) -> Cli:
    """The command, with one stack on the server, under a prefix of the test's own."""
    cli.configure(f"{{provider: vault, vault_url: '{server.url}', prefix: '{request.node.name}/'}}", "prod")
    cli.environment["VAULT_TOKEN"] = server.token
    return cli
