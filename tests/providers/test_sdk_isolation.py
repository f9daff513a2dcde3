"""Who uses one backend does not pay for another's SDK, in start-up time or in what has to be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tacenda.testing import azure_key_vault, gcp_secret_manager, moto, openbao

SDKS = {
    "vault": ("hvac",),
    "aws": ("boto3", "botocore"),
    "azure": ("azure", "msal"),
    "gcp": ("google.cloud", "google.api_core", "grpc"),
    "github": ("github", "nacl"),
}
READ = """
import sys, tacenda
assert tacenda.open_store().get("isolated") == "example-value"
print("\\n".join(sys.modules))
"""


@pytest.fixture(scope="module")
def clouds() -> Iterator[dict[str, tuple[str, dict[str, str]]]]:
    """For each backend the entry of a stack and the environment of a process that can read `isolated` there."""
    with ExitStack() as running:
        bao, aws, azure = map(running.enter_context, (openbao(), moto(), azure_key_vault()))
        gcp = running.enter_context(gcp_secret_manager(tls=True))
        bao.client().secrets.kv.v2.create_or_update_secret("isolated", {"value": "example-value"})
        aws.client().create_secret(Name="isolated", SecretString="example-value")
        azure.client().set_secret("isolated", "example-value")
        gcp.put("isolated", b"example-value")
        yield {
            "vault": ("provider: vault", {"VAULT_ADDR": bao.url, "VAULT_TOKEN": bao.token}),
            "aws": ("provider: aws", aws.environment()),
            "azure": (
                f"provider: azure, vault_url: '{azure.url}', disable_instance_discovery: true",
                azure.environment(),
            ),
            "gcp": (f"provider: gcp, api_endpoint: '{gcp.endpoint}'", gcp.environment()),
        }


@pytest.mark.parametrize("cloud", ["vault", "aws", "azure", "gcp"])
def test_only_the_backends_own_sdk_is_imported(cloud, clouds, tmp_path):
    """A stack on one backend imports no other backend's SDK."""
    entry, environment = clouds[cloud]
    (tmp_path / "tacenda.yaml").write_text(f"stacks: {{prod: {{secrets: {{{entry}}}}}}}\n")
    loaded = set(_run(READ, tmp_path, environment))
    others = [module for other, modules in SDKS.items() if other != cloud for module in modules]
    assert [module for module in others if module in loaded] == []


def test_the_core_imports_no_sdk(tmp_path):
    """Opening a store on four clouds imports no SDK at all: that waits for the first read."""
    (tmp_path / "tacenda.yaml").write_text(
        "stacks: {prod: {secrets: [{provider: vault, vault_url: 'http://127.0.0.1:1'},"
        " {provider: aws, region: us-east-1}, {provider: azure, vault_url: 'https://127.0.0.1:1'},"
        " {provider: gcp, project_id: example-project}]}}\n"
    )
    loaded = set(_run("import sys, tacenda\ntacenda.open_store()\nprint('\\n'.join(sys.modules))", tmp_path, {}))
    assert [module for modules in SDKS.values() for module in modules if module in loaded] == []


def _run(code: str, directory: Any, environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-W", "ignore::FutureWarning", "-c", code]
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    variables = {"HOME": str(directory), **inherited, **environment}
    done = subprocess.run(
        command, check=False, env=variables, cwd=directory, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
