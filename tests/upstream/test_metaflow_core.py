"""Upstream's synthetic flows of Metaflow's core pass with `@secrets` on each of their steps."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.extra, pytest.mark.metaflow, pytest.mark.timeout(3600)]

# Each test on a plain flow, on @parallel and, where they are all it has, on foreach and switches. Left out: their other
# shapes, which make 235 flows of these 120, the same runs started by Runner, and what needs servers.
GRAPHS = (
    "single-linear-step", "small-parallel", "simple_switch", "nested_switch", "branch_in_switch", "foreach_in_switch",
    "switch_in_branch", "switch_in_foreach", "recursive_switch", "recursive_switch_inside_foreach",
)  # fmt: skip
CONTEXT = "python3-all-local"

CONFIG = "stacks: {{core: {{secrets: {{provider: local, path: {}}}}}}}"
INLINE = {"type": "inline", "id": "given", "options": {"env_vars": {"CORE_SUITE_GIVEN": "example-core-given"}}}
# Without a space: Metaflow would take it for the next decorator.
EVERY_STEP = "secrets:sources=" + json.dumps(["core-suite", INLINE], separators=(",", ":"))


@pytest.fixture
def core(sources: Callable[[str], Path]) -> Path:
    """The directory of upstream's test/core, set up to run flows here from the command line."""
    place = sources("metaflow") / "test" / "core"
    contexts = json.loads((place / "contexts.json").read_text())
    for context in contexts["contexts"]:
        context["executors"] = ["cli"]
    (place / "contexts.json").write_text(json.dumps(contexts))
    return place


def test_secrets_on_every_step(core: Path, tmp_path: Path):
    """Whatever Metaflow does with a flow, it does with one that has tacenda's and inline secrets on each step.

    What fails then must fail without tacenda, too, as upstream left it.
    """
    (tmp_path / "tacenda.yaml").write_text(CONFIG.format(tmp_path / ".secrets.json"))
    (tmp_path / ".secrets.json").write_text(json.dumps({"core-suite": {"CORE_SUITE_TOKEN": "example-core-token"}}))
    audit = tmp_path / "audit.jsonl"
    configuration = {"TACENDA_CONFIG": str(tmp_path / "tacenda.yaml"), "TACENDA_AUDIT": str(audit)}
    outcomes, said = run(core, GRAPHS, METAFLOW_DECOSPECS=EVERY_STEP, **configuration)
    assert len(outcomes) > 60, said
    assert "example-core" not in said
    assert len(audit.read_text().splitlines()) > 3 * len(outcomes), "each task reads"
    failed = {name for name, outcome in outcomes.items() if outcome != "success"}
    if failed:
        tests, graphs = zip(*failed, strict=True)
        without, _ = run(core, set(graphs), set(tests), TACENDA_ADAPTERS="none")
        failed -= {name for name, outcome in without.items() if outcome != "success"}
    assert not failed, said


def run(
    core: Path, graphs: Iterable[str], tests: Iterable[str] = (), **variables: str
) -> tuple[dict[tuple[str, str], str], str]:
    """Run upstream's tests (all by default) on graphs; return the outcome by test and graph, and all output."""
    chosen = [f"--contexts={CONTEXT}", f"--graphs={','.join(graphs)}", f"--tests={','.join(tests)}"]
    home = {"HOME": str(core), "TMPDIR": str(core), "USER": "tester", "METAFLOW_CLICK_API_PROCESS_CONFIG": "0"}
    home["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if "PYTHONPATH" in os.environ:
        home["PYTHONPATH"] = os.environ["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, "run_tests.py", "--inherit-env", f"--num-parallel={os.cpu_count()}", *chosen],
        cwd=core,
        env={**home, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    found = re.findall(r"### test '(\S+)' graph '(\S+)' in context '\S+': (success|failed) \[", said)
    return {(test, graph): outcome for test, graph, outcome in found}, said
