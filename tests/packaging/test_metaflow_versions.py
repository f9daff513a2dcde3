"""Metaflow's older minor versions, from the oldest that works: the adapter is whole on each of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.metaflow, pytest.mark.extra]

VERSIONS = ("2.15.20", "2.16.8", "2.17.5", "2.18.13")
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({"api-keys": {"API_KEY": "example-value"}}),
}
FLOW = """
import os
from metaflow import FlowSpec, catch, current, retry, secrets, step
INLINE = {"type": "inline", "id": "given", "options": {"env_vars": {"GIVEN": "example-given"}}}
class VersionsFlow(FlowSpec):
    @step
    def start(self):
        print("declares none", not hasattr(current, "secrets"), "API_KEY" in os.environ)
        self.items = [1, 2]
        self.next(self.work, foreach="items")
    @catch(var="problem")
    @retry(times=1, minutes_between_retries=0)
    @secrets(sources=["api-keys", INLINE], role=None)
    @step
    def work(self):
        same = current.secrets.api_keys["API_KEY"] == os.environ["API_KEY"] == "example-" + "value"
        same = same and current.secrets["given"]["GIVEN"] == os.environ["GIVEN"] == "example-" + "given"
        print("read", same, os.environ["API_KEY"])
        raise ValueError(f"refused {os.environ['API_KEY']}")
        self.next(self.join)
    @step
    def join(self, inputs):
        print("caught", *[str(each.problem).splitlines()[-1] for each in inputs])
        self.next(self.end)
    @secrets(sources=["api-keys"])
    @step
    def end(self):
        self.kept = [os.environ["API_KEY"]]
if __name__ == "__main__":
    VersionsFlow()
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_older_version(
    environment: Callable[..., Path],
    wheel: Path,
    run_flow: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    version: str,
):
    """Secrets are read, masked, kept out of artifacts and carried in the code package, and nothing is missing."""
    python = environment(wheel, f"metaflow=={version}", "requests")
    done = run_flow(FLOW, FILES, directory=tmp_path, python=python)
    assert done.stdout.count("read True [masked]") == 4, done.stdout
    assert "declares none True False" in done.stdout
    assert "refused [masked]" in done.stdout.partition("caught ")[2]
    assert "SecretLeak" in done.stdout
    assert "example-" not in done.stdout
    assert done.returncode == 1
    carried = run_flow(FLOW, FILES, directory=tmp_path, python=python, arguments=("package", "list")).stdout
    assert "tacenda/_store.py" in carried
    report = "from tacenda._adapters import problems; import metaflow; print(problems('metaflow'))"
    whole = subprocess.run([python, "-c", report], stdout=subprocess.PIPE, text=True, check=True, cwd=tmp_path, env={})
    assert whole.stdout.strip() == "[]"
