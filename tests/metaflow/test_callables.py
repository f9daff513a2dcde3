"""Functions as sources: what a step needs is known only when it starts (Netflix/metaflow#2918)."""

from __future__ import annotations

import functools
import operator
from types import SimpleNamespace
from typing import Any

import pytest
from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.sources._callables import declared, resolved

FLOW = """
from metaflow import FlowSpec, Parameter, current, secrets, step

class Base(FlowSpec):
    stage = Parameter("stage", default="dev")

    def needed(self):
        return [f"api-keys-{self.stage}"]

    @secrets(sources=lambda self: self.needed())
    @step
    def start(self):
        print("in start:", list(current.secrets))
        self.places = ["one", "two"]
        self.next(self.work, foreach="places")

    @secrets(sources=["always", lambda self: f"place-{self.input}", lambda: None])
    @step
    def work(self):
        self.names = list(current.secrets)
        self.next(self.join)

    @secrets(sources=lambda: "always")
    @step
    def join(self, inputs):
        print("in work:", [each.names for each in inputs])
        self.next(self.end)

    @step
    def end(self):
        pass


class Child(Base):
    def needed(self):
        return [*super().needed(), "more"]

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Child()
"""


@pytest.mark.metaflow
def test_flow(run_flow: Any):
    """A flow's subclass, a parameter and a foreach's item decide what a step gets; the code is stored as ever."""
    names = ("api-keys-prod", "more", "always", "place-one", "place-two")
    done = run_flow(
        FLOW,
        {},
        arguments=("run", "--stage", "prod"),
        **{name.replace("-", "_").upper(): f"example-of-{name}" for name in names},
    )
    assert done.returncode == 0, done.stdout
    assert "in start: ['api-keys-prod', 'more']" in done.stdout
    assert "in work: [['always', 'place-one'], ['always', 'place-two']]" in done.stdout
    assert "example-of" not in done.stdout


def names(self: Any) -> tuple[str, ...]:
    return self.names


class Needed:
    """An object that can be called."""

    def __call__(self, flow: Any, more: str = "more") -> list[str]:
        """Return names."""
        return [*flow.names, more]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["a", {"id": "b"}], ["a", {"id": "b"}]),
        (names, ["x", "y"]),
        (lambda: "a", ["a"]),
        ([lambda: None, lambda: (), "a"], ["a"]),
        (lambda flow: {"id": flow.names[0]}, [{"id": "x"}]),
        (Needed(), ["x", "y", "more"]),
        ([functools.partial(lambda prefix, flow: prefix + flow.names[0], "p-")], ["p-x"]),
        (lambda flow: [names, "z"], ["x", "y", "z"]),
        (lambda flow=None: flow and "a", ["a"]),
        (operator.attrgetter("names"), ["x", "y"]),
        ("alone", ["alone"]),
        (None, []),
    ],
)
def test_resolved(sources: Any, expected: list[Any]):
    """A function takes the flow, or nothing, and returns a source, several of them, functions among them, or None."""
    assert resolved(sources, SimpleNamespace(names=("x", "y"))) == expected


def test_declared():
    """What a step declares is known one by one before it starts: a lone source, none, and functions uncalled."""
    assert [declared("alone"), declared(None), declared(names)] == [["alone"], [], [names]]
    assert declared(["a", ("b", names), None]) == ["a", "b", names]


def test_failure():
    """What a function fails with reaches its author, with the function's name and line."""

    def needed(flow: Any) -> str:
        return flow.nothing

    with pytest.raises(MetaflowException) as caught:
        resolved([needed], SimpleNamespace())
    assert f"needed' (line {needed.__code__.co_firstlineno} of test_callables.py)" in str(caught.value)
    assert "AttributeError: 'types.SimpleNamespace' object has no attribute 'nothing'" in str(caught.value)
    assert isinstance(caught.value.__cause__, AttributeError)
