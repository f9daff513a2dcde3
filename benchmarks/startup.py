"""What a process pays before its first secret: the import, and a cold read of one Vault secret."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._measure import Result, interleaved, process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tacenda.testing import OpenBao

_HVAC = """
import os, hvac
client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
answer = client.secrets.kv.v2.read_secret_version("bench", mount_point="secret", raise_on_deleted_version=True)
assert answer["data"]["data"]["KEY"]
"""
_OURS = """
import tacenda
assert tacenda.open_store().get("bench", "KEY")
"""
_CONFIG = "stacks:\n  prod:\n    secrets: {provider: vault, vault_mount: secret}\n"


def run(server: OpenBao) -> Iterator[Result]:
    """Measure import and cold read."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "HOME": directory, "VAULT_ADDR": server.url, "VAULT_TOKEN": server.token}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = interleaved(
            lambda: process("import tacenda", environment, directory),
            lambda: process("pass", environment, directory),
            30,
        )
        extra = (min(bare.ours) - min(bare.peer)) * 1e3
        yield Result("`import tacenda` over `python -c pass`", "≤ 5 ms", f"{extra:.2f} ms", bare.detail(), extra <= 5)

        Path(directory, "tacenda.yaml").write_text(_CONFIG)
        cold = interleaved(
            lambda: process(_OURS, environment, directory), lambda: process(_HVAC, environment, directory), 40
        )
        yield Result(
            "cold process, one Vault secret, `tacenda.yaml` discovered; peer: bare hvac",
            "≤ 1.10 ×",
            f"{cold.ratio:.2f} × (minima {cold.best_ratio:.2f} ×)",
            cold.detail(),
            cold.ratio <= 1.10,
        )
