"""Callables as sources, asked before the run: what they can know is used, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from metaflow import FlowSpec, Parameter, current, step

from metaflow_extensions.tacenda.plugins.check._later import ask_now

pytestmark = pytest.mark.metaflow


class Flow(FlowSpec):
    """A flow with one parameter."""

    tenant = Parameter("tenant", default="a")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.fixture(scope="module")
def flow() -> Flow:
    """The flow, loaded and not run."""
    return Flow(use_cli=False)


def swallowing(flow: Any) -> str:
    try:
        return f"keys-{flow.tenant}"
    except Exception:  # noqa: BLE001 - as people write it
        return "keys-default"


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (lambda: "keys", ["keys"]),
        (lambda: ["keys", {"type": "inline", "id": "x"}], ["keys", {"type": "inline", "id": "x"}]),
        (lambda: [lambda: "deep", ("deeper",)], ["deep", "deeper"]),
        (lambda: None, []),
        (lambda flow: f"keys-{flow.name}", ["keys-Flow"]),
        (lambda flow="x": f"keys-{flow.name}", ["keys-Flow"]),
        (lambda: f"keys-{current.step_name}", ["keys-start"]),
    ],
)
def test_known(flow: Flow, source: Callable[..., Any], answer: list[Any]):
    """What is known before the run is answered, with the flow as argument or without."""
    assert ask_now(source, flow, "start") == answer


@pytest.mark.parametrize(
    "source",
    [
        lambda flow: f"keys-{flow.tenant}",
        lambda flow: getattr(flow, "artifact", "keys-default"),
        swallowing,
        lambda: f"keys-{current.run_id}",
        lambda: "keys-" + current.run_id,
        lambda: f"keys-{current.task_id}",
        lambda: "first" if current.retry_count == 0 else "again",
        lambda: "first" if not current.retry_count else "again",
        lambda: "new" if current.origin_run_id in {None, "1"} else "resumed",
        lambda: current.run_id[:4],
        lambda: list(current.tags),
        lambda: int(current.retry_count),
        lambda: 1 / 0,
        lambda: [lambda flow: flow.artifact],
    ],
)
def test_later(flow: Flow, source: Callable[..., Any]):
    """What needs parameters, artifacts, the run or the task is left to the run, whatever the callable does with it."""
    assert ask_now(source, flow, "start") is None


def test_current_is_as_before(flow: Flow):
    """Asking leaves `current` as it was."""
    before = dict(vars(current))
    ask_now(lambda: current.run_id, flow, "start")
    ask_now(lambda: str(current.run_id), flow, "start")
    assert vars(current) == before
    assert current.run_id is None
