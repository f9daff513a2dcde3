"""What an orchestrator may say of a run: its stack itself, that it begins, and that it wants to know what is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tacenda
from tacenda._active import READS, UNWATCHED, Reads, chosen_stack, described_stack, use_stack
from tacenda._process import forget, process_store, store_of
from tacenda._stack import Stack, stack_from_mapping
from tacenda.errors import ConfigurationError


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stack]:
    """Return a function that makes a stack which is in no configuration."""
    monkeypatch.chdir(tmp_path)

    def make(name: str = "own", **secrets: str) -> Stack:
        (tmp_path / f"{name}.json").write_text(json.dumps(secrets))
        return stack_from_mapping(name, {"secrets": {"provider": "local", "path": f"{name}.json"}}, tmp_path, "a test")

    return make


def test_described_stack_serves(stack):
    """A stack that is described needs no configuration, and `open_store()` opens it too."""
    with use_stack(stack(A="example-a")):
        assert tacenda.get("A") == "example-a"
        with tacenda.open_store() as store:
            assert store.stack.name == "own"
    assert described_stack() is None


def test_a_name_inside_goes_before(stack, tmp_path):
    """A pipeline inside with a stack by name has that one; afterwards the described one is back."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local, path: dev.json}}}")
    (tmp_path / "dev.json").write_text('{"A": "example-dev"}')
    with use_stack(stack(A="example-a")):
        with use_stack("dev"):
            assert tacenda.get("A") == "example-dev"
        assert tacenda.get("A") == "example-a"


def test_equal_stacks_share_a_store(stack):
    """Each run may describe its stack anew: equal ones have one store, with one login and one cache."""
    first, again, other = stack(A="example-a"), stack(A="example-a"), stack("other")
    assert store_of(first) is store_of(again)
    assert store_of(other) is not store_of(first)
    with use_stack(again):
        assert process_store() is store_of(first)


def test_forget(stack):
    """What is read after a run has begun is as fresh as in a new process."""
    with use_stack(stack(A="example-a")):
        assert tacenda.get("A") == "example-a"
        stack(A="example-rotated")
        assert tacenda.get("A") == "example-a"
        forget()
        assert tacenda.get("A") == "example-rotated"


def test_reads(stack):
    """Whoever wants to know is told how many are read in its context, from the cache and in our threads as well."""
    with use_stack(stack(A="example-a", B="example-b")):
        tacenda.get("A")
        before, reads = UNWATCHED.count, Reads()
        token = READS.set(reads)
        try:
            tacenda.get_many(["A", "B"])
            tacenda.get("C", default=None)
            assert reads.count == 3
            assert UNWATCHED.count == before
        finally:
            READS.reset(token)


def test_what_is_wrong_with_a_stack():
    """A stack that cannot be served is an error for whoever reads from it, each time, and for nobody else."""
    wrong = ConfigurationError("that is no stack")
    with use_stack(wrong):
        for ask in (lambda: tacenda.get("A"), tacenda.open_store, process_store, chosen_stack):
            with pytest.raises(ConfigurationError, match="that is no stack"):
                ask()
        with use_stack("another"):
            assert chosen_stack() == "another"
    assert chosen_stack() is None
