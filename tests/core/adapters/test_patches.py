"""What an adapter changes in an orchestrator: once, only where it fits, and never so that an import breaks."""

from __future__ import annotations

import functools
import logging
import sys
import warnings
from types import ModuleType

import pytest

from tacenda._adapters import Patch, activate, is_wanted, problems
from tacenda._adapters import _activation as activation


class Task:
    """Stands for a class of an orchestrator."""

    def run(self, value):
        return f"ran {value}"

    @staticmethod
    def name(value):
        return f"name {value}"


@pytest.fixture
def upstream(monkeypatch):
    """A module `upstream` with a fresh class `Task`, and nothing activated."""
    module = ModuleType("upstream")
    module.Task = type("Task", (), dict(vars(Task)))
    monkeypatch.setitem(sys.modules, "upstream", module)
    monkeypatch.setattr(activation, "_PROBLEMS", {})
    monkeypatch.setattr(activation, "_PATCHES", {})
    return module


def shout(original):
    @functools.wraps(original)
    def run(self, value):
        return original(self, value).upper()

    return run


LOUD = Patch("upstream:Task.run", shout, "1.0", "tasks stay quiet", expects=("value",))


def home(monkeypatch, *patches: Patch) -> str:
    """Make a module that holds patches, and return its name."""
    module = ModuleType("adapter_home")
    module.PATCHES = patches
    monkeypatch.setitem(sys.modules, "adapter_home", module)
    return "adapter_home"


def test_replaces(upstream, monkeypatch):
    """A patch wraps the original, and activating twice wraps it once."""
    place = home(monkeypatch, LOUD)
    activate("example", place)
    activate("example", place)
    LOUD.apply(upstream)
    assert upstream.Task().run("it") == "RAN IT"
    assert problems("example") == []


def test_static_methods(upstream):
    """A static method stays one."""
    Patch("upstream:Task.name", lambda original: staticmethod(lambda value: value * 2), "1.0", "-").apply(upstream)
    assert upstream.Task().name("ab") == "abab"


def test_adds(upstream, monkeypatch):
    """A new attribute is added, and one that upstream has by now is left alone."""
    add = Patch("upstream:Task.secrets", lambda _: property(lambda self: "ours"), "1.0", "-", adds=True)
    late = Patch("upstream:Task.run", lambda _: None, "1.0", "-", adds=True)
    activate("example", home(monkeypatch, add, late))
    assert (upstream.Task().secrets, upstream.Task().run("it")) == ("ours", "ran it")


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        (LOUD._replace(upstream="upstream:Task.walk"), "upstream:Task.walk is gone"),
        (LOUD._replace(upstream="upstream:Job.run"), "upstream:Job.run is gone"),
        (LOUD._replace(expects=("value", "secrets")), "upstream:Task.run has no parameter secrets"),
        (LOUD._replace(replace=lambda original: 1 / 0), "division by zero"),
    ],
)
def test_does_not_fit(upstream, monkeypatch, caplog, patch, problem):
    """Where upstream has changed, one log warning says what is lost; everything else works on."""
    with caplog.at_level(logging.WARNING, logger="tacenda"):
        activate("example", home(monkeypatch, patch))
    (record,) = caplog.records
    assert "tasks stay quiet" in record.getMessage()
    assert problem in record.getMessage()
    assert "known to fit example 1.0" in problems("example")[0]
    assert upstream.Task().run("it") == "ran it"


def test_module_is_gone(upstream, monkeypatch):
    """A module that upstream has no more is a problem that `tacenda check` tells."""
    activate("example", home(monkeypatch, LOUD._replace(upstream="upstream_that_is_gone:Task.run")))
    assert "No module named 'upstream_that_is_gone'" in problems("example")[0]


def test_broken_adapter(upstream, caplog):
    """An adapter that cannot even be imported is a warning too."""
    activate("example", "adapter_that_is_not_there")
    assert "it is not active: ModuleNotFoundError" in caplog.text
    assert len(problems("example")) == 1


def test_warnings_as_errors(upstream, monkeypatch):
    """`python -W error` does not turn it into a broken import."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        activate("example", home(monkeypatch, LOUD._replace(upstream="upstream:Task.walk")))
    assert "upstream:Task.walk is gone" in problems("example")[0]


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [(None, True), ("", True), ("none", False), ("zenml", True), ("metaflow, zenml", True), ("metaflow,flyte", False)],
)
def test_wanted(upstream, monkeypatch, limit, wanted):
    """TACENDA_ADAPTERS names those that may be active; not set, or empty, is all."""
    if limit is not None:
        monkeypatch.setenv("TACENDA_ADAPTERS", limit)
    assert is_wanted("zenml") is wanted
    activate("zenml", home(monkeypatch, LOUD))
    assert problems("zenml") == ([] if wanted else None)
    assert upstream.Task().run("it") == ("RAN IT" if wanted else "ran it")
