"""Steps of every shape in real flows: which tasks have which secrets, how often each is asked for."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.metaflow

NAMES = ("outer", "inner", "left", "node", "gathered", "of-base", "of-child", "overridden", "own", "everywhere")
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({name: {f"{name.upper()}_TOKEN": f"example-{name}"} for name in NAMES}),
}
FACTS = """
import json, os
from metaflow import FlowSpec, current, parallel, secrets, step
def has(*names):
    if not names:
        return not hasattr(current, "secrets") and not [name for name in os.environ if name.endswith("_TOKEN")]
    same = sorted(current.secrets) == sorted(names)
    for name in names:
        variable = f"{name.upper()}_TOKEN"
        same = same and current.secrets[name][variable] == f"example-{name}"
        same = same and os.environ[variable.replace("-", "_")] == f"example-{name}"
    return same and len([name for name in os.environ if name.endswith("_TOKEN")]) == len(names)
def fact(*names):
    print("FACT", json.dumps([current.step_name, *names, has(*names)]))
"""


@pytest.fixture
def ran(run_flow, tmp_path: Path):
    """A function that runs a flow; it returns its facts, and how often each secret was read."""

    def run(flow: str, *arguments: str, **files: str) -> tuple[Counter[tuple], Counter[str]]:
        audit = tmp_path / "audit.jsonl"
        more = {f"{name}.py": text for name, text in files.items()}
        done = run_flow(flow, {**FILES, **more}, arguments=("run", *arguments), TACENDA_AUDIT=str(audit))
        assert done.returncode == 0, done.stdout
        facts = [line.partition("FACT ")[2] for line in done.stdout.splitlines() if "FACT " in line]
        events = map(json.loads, audit.read_text().splitlines())
        return Counter(tuple(json.loads(fact)) for fact in facts), Counter(
            event["reference"].rpartition("#")[2] for event in events if event["action"] == "read"
        )

    return run


SHAPES = """
class ShapesFlow(FlowSpec):
    @step
    def start(self):
        fact()
        self.items = [1, 2]
        self.next(self.outer, foreach="items")
    @secrets(sources=["outer"])
    @step
    def outer(self):
        fact("outer")
        self.items = [1, 2]
        self.next(self.inner, foreach="items")
    @secrets(sources=["inner", "outer"])
    @step
    def inner(self):
        fact("inner", "outer")
        self.next(self.inner_join)
    @step
    def inner_join(self, inputs):
        fact()
        self.next(self.outer_join)
    @step
    def outer_join(self, inputs):
        fact()
        self.next(self.fork)
    @step
    def fork(self):
        self.next(self.left, self.right)
    @secrets(sources=["left"])
    @step
    def left(self):
        fact("left")
        self.next(self.plain)
    @step
    def plain(self):
        fact()
        self.next(self.meet)
    @step
    def right(self):
        fact()
        self.next(self.meet)
    @step
    def meet(self, inputs):
        self.next(self.spread)
    @step
    def spread(self):
        self.next(self.work, num_parallel=3)
    @secrets(sources=["node"])
    @parallel
    @step
    def work(self):
        fact("node")
        self.next(self.gather)
    @secrets(sources=["gathered"])
    @step
    def gather(self, inputs):
        fact("gathered")
        self.next(self.end)
    @step
    def end(self):
        fact()
if __name__ == "__main__":
    ShapesFlow()
"""


def test_every_shape(ran):
    """In foreach, nested foreach, branches, joins and on all nodes of @parallel, a step has what it declares (S1.55).

    No other step has any, also after one that does. Each task reads once, also two secrets in one file; the workers of
    @parallel read their own, and have the variables of their control task, which are not injected twice.
    """
    facts, reads = ran(FACTS + SHAPES)
    assert facts == {
        ("start", True): 1,
        ("outer", "outer", True): 2,
        ("inner", "inner", "outer", True): 4,
        ("inner_join", True): 2,
        ("outer_join", True): 1,
        ("left", "left", True): 1,
        ("plain", True): 1,
        ("right", True): 1,
        ("work", "node", True): 3,
        ("gather", "gathered", True): 1,
        ("end", True): 1,
    }
    assert reads == {"outer": 2, "inner": 4, "left": 1, "node": 3, "gathered": 1}


BASE = """
class BaseFlow(FlowSpec):
    WANTED = ["of-base"]
    @secrets(sources=lambda flow: flow.WANTED)
    @step
    def start(self):
        fact(*self.WANTED)
        self.next(self.middle)
    @secrets(sources=["overridden"])
    @step
    def middle(self):
        self.next(self.end)
    @step
    def end(self):
        fact("everywhere")
"""
CHILD = """
from base import *
class ChildFlow(BaseFlow):
    WANTED = ["of-child"]
    @secrets(sources=["own"])
    @step
    def middle(self):
        fact("own")
        self.next(self.end)
if __name__ == "__main__":
    ChildFlow()
"""


def test_inheritance_and_with(ran):
    """A flow inherits steps with their secrets, overrides them, and says by a callable which; `--with` is for the rest.

    What Netflix/metaflow#2918 asks for: the base has the step, the class that inherits has the names.
    """
    facts, reads = ran(CHILD, "--with", 'secrets:sources=["everywhere"]', base=FACTS + BASE)
    assert facts == {
        ("start", "of-child", True): 1,
        ("middle", "own", True): 1,
        ("end", "everywhere", True): 1,
    }
    assert reads == {"of-child": 1, "own": 1, "everywhere": 1}
