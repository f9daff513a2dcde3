"""The wheel installed as users install it, in environments that have nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tacenda.testing import openbao

NOT_AT_IMPORT = {
    "asyncio",
    "azure",
    "boto3",
    "botocore",
    "click",
    "flowyml",
    "flyte",
    "flytekit",
    "github",
    "google.cloud",
    "hvac",
    "importlib.metadata",
    "metaflow",
    "pyrage",
    "requests",
    "yaml",
    "zenml",
}


def python(interpreter: str | Path, code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(interpreter), "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )


def test_import_is_light():
    """`import tacenda` imports no SDK, no orchestrator, and nothing that makes commands slow to start."""
    done = python(
        sys.executable, "import sys; before = set(sys.modules); import tacenda; print(*set(sys.modules) - before)"
    )
    assert "tacenda" in done.stdout.split()
    assert not NOT_AT_IMPORT & set(done.stdout.split())


@pytest.mark.slow
def test_pip_install_with_vault(environment: Callable[..., Path], wheel: Path, tmp_path: Path):
    """`pip install 'tacenda[vault]'`, a tacenda.yaml and one line read a secret from a real server (S0.10, S0.23)."""
    interpreter = environment()
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", f"{wheel}[vault]"]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    with openbao() as server:
        server.client().secrets.kv.v2.create_or_update_secret("api-keys", {"API_KEY": "example-value"})
        (tmp_path / "tacenda.yaml").write_text(
            f"stacks: {{prod: {{secrets: {{provider: vault, vault_url: '{server.url}', vault_mount: secret}}}}}}"
        )
        done = python(
            interpreter,
            "import tacenda; bundle = tacenda.open_store().get('api-keys'); print(bundle, bundle.API_KEY[:7])",
            cwd=tmp_path,
            env={"VAULT_TOKEN": server.token, "HOME": str(tmp_path), "PATH": os.defpath},
        )
    assert done.stdout == "<SecretBundle [masked] keys=['API_KEY']> example\n"


@pytest.mark.slow
def test_missing_extra(environment: Callable[..., Path], wheel: Path, tmp_path: Path):
    """Without the extra, the error says what to install (S0.14)."""
    interpreter = environment(wheel)
    (tmp_path / "tacenda.yaml").write_text(
        "stacks: {prod: {secrets: {provider: vault, vault_url: 'http://127.0.0.1:9'}}}"
    )
    done = python(interpreter, "import tacenda; tacenda.get('api-keys')", cwd=tmp_path, env={"VAULT_TOKEN": "example"})
    assert done.returncode == 1
    assert "tacenda[vault]" in done.stdout
