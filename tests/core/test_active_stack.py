"""Which stack is meant where none is named; two pipelines on two stacks run in one process."""

from __future__ import annotations

import asyncio
import threading

import pytest
from shelf_backend import SHELVES

import tacenda
from tacenda._active import chosen_stack, use_stack
from tacenda.errors import ConfigurationError


@pytest.fixture(autouse=True)
def two_stacks(workplace):
    """Two stacks on two shelves that hold the same name."""
    (workplace / "tacenda.yaml").write_text(
        "default_stack: dev\n"
        "stacks:\n"
        "  dev: {secrets: {provider: shelf, shelf: dev}}\n"
        "  prod: {secrets: {provider: shelf, shelf: prod}}\n"
    )
    SHELVES["dev"].put("token", "example-dev")
    SHELVES["prod"].put("token", "example-prod")


def test_default_stack_serves():
    """Nothing named: the configuration's default."""
    assert chosen_stack() is None
    assert tacenda.get("token") == "example-dev"


def test_variable_chooses(monkeypatch):
    """TACENDA_STACK, also when it changes while the process runs; empty is not set."""
    monkeypatch.setenv("TACENDA_STACK", "prod")
    assert tacenda.get("token") == "example-prod"
    monkeypatch.setenv("TACENDA_STACK", "")
    assert tacenda.get("token") == "example-dev"


def test_pipelines_own_stack_goes_before_the_variable(monkeypatch):
    """`Pipeline(stack=…)` is the strongest word, and ends with its block (S0.3)."""
    monkeypatch.setenv("TACENDA_STACK", "dev")
    with use_stack("prod"):
        assert tacenda.get("token") == "example-prod"
        with use_stack("dev"):
            assert tacenda.get("token") == "example-dev"
        assert tacenda.open_store().stack.name == "prod"
    assert tacenda.get("token") == "example-dev"


def test_stack_ends_with_an_exception():
    """A failed pipeline leaves nothing behind."""
    with pytest.raises(RuntimeError), use_stack("prod"):
        raise RuntimeError
    assert chosen_stack() is None


def test_unknown_stack_of_a_pipeline_is_an_error():
    """Never another stack in silence."""
    with use_stack("staging"), pytest.raises(ConfigurationError, match="no stack 'staging'"):
        tacenda.get("token")


def test_two_pipelines_in_two_threads():
    """Each thread has its stack, at the same time (S0.4)."""
    meeting = threading.Barrier(2)
    seen = {}

    def pipeline(stack):
        with use_stack(stack):
            meeting.wait(10)
            seen[stack] = tacenda.get("token"), tacenda.get_many(["token"])["token"]
            meeting.wait(10)

    threads = [threading.Thread(target=pipeline, args=(stack,)) for stack in ("dev", "prod")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == {"dev": ("example-dev",) * 2, "prod": ("example-prod",) * 2}


def test_two_pipelines_in_two_tasks():
    """Each asyncio task has its stack."""

    async def pipeline(stack):
        with use_stack(stack):
            await asyncio.sleep(0.01)
            return tacenda.get("token")

    async def main():
        return await asyncio.gather(pipeline("dev"), pipeline("prod"))

    assert asyncio.run(main()) == ["example-dev", "example-prod"]


def test_an_open_store_keeps_its_stack():
    """A store that was opened does not change with the context."""
    store = tacenda.open_store("dev")
    with use_stack("prod"):
        assert store.get("token") == "example-dev"


def test_named_as_the_orchestrators_stack(monkeypatch):
    """A stack of ours named as the orchestrator's active one goes before the default, after what was chosen (C13)."""
    with use_stack("prod", if_configured=True):
        assert tacenda.get("token") == "example-prod"
        monkeypatch.setenv("TACENDA_STACK", "dev")
        assert tacenda.get("token") == "example-dev"
        with use_stack("prod"):  # a pipeline's own
            assert tacenda.get("token") == "example-prod"


def test_not_named_as_the_orchestrators_stack():
    """An orchestrator's stack that tacenda does not know, such as ZenML's `default`, changes nothing."""
    with use_stack("default", if_configured=True):
        assert tacenda.get("token") == "example-dev"
