"""Which stack serves the steps of a pipeline: real local runs."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

import tacenda
from tacenda.errors import ConfigurationError

pytestmark = pytest.mark.flowyml


@pytest.fixture
def read(flowyml, run) -> Any:
    """A step that notes the value it reads, by each of the two ways, in `seen`; `run` makes a pipeline of it."""

    def read() -> int:
        provider = importlib.import_module("flowyml.stacks.enterprise.secrets").get_secrets_provider()
        value = provider.get_secret("API_KEY")
        assert value == tacenda.get("API_KEY", default=None)
        read.seen.append(value and str(value))
        return len(value or "")

    read.seen = []
    read.run = functools.partial(run, read)
    return read


def test_the_stack_of_the_pipeline(read, two_stacks):
    """`stack=` selects where secrets come from, and the step chooses nothing (S0.2, S0.3, S0.5, S0.16)."""
    two_stacks()
    for stack in ("dev", "prod"):
        assert read.run(stack=stack).success
    assert read.seen == ["dev-example-key", "prod-example-key"]


def test_stacks_that_only_tacenda_knows(flowyml, read, two_stacks):
    """A stack of tacenda.yaml is enough: FlowyML runs it locally; one process, two pipelines (S0.4)."""
    two_stacks("tacenda.yaml")
    pipelines = {}
    for stack in ("dev", "prod"):
        pipelines[stack] = flowyml.Pipeline(stack, stack=stack)
        pipelines[stack].add_step(flowyml.step(register=False)(read))
    assert [pipelines[stack].run(auto_start_ui=False).success for stack in ("prod", "dev", "prod")] == [True] * 3
    assert read.seen == ["prod-example-key", "dev-example-key", "prod-example-key"]


def test_stacks_that_only_tacenda_knows_beside_others(flowyml, read, tmp_path, two_stacks):
    """FlowyML runs the steps on its active stack then, but the secrets are those of the stack that was chosen."""
    two_stacks("tacenda.yaml")
    (tmp_path / "flowyml.yaml").write_text("stacks: {dev: {secrets: {provider: env}}, mine: {}}")
    assert read.run(stack="prod").success
    pipeline = flowyml.Pipeline("training", stack="mine")
    pipeline.add_step(flowyml.step(register=False)(read))
    assert pipeline.run(stack="prod", auto_start_ui=False).success
    assert pipeline.run(stack="dev", auto_start_ui=False).success
    assert read.seen == ["prod-example-key", "prod-example-key", "dev-example-key"]


def test_stack_of_the_run(flowyml, read, run, two_stacks):
    """`run(stack=)` goes before `Pipeline(stack=)`."""
    two_stacks()
    pipeline = flowyml.Pipeline("training", stack="dev")
    pipeline.add_step(flowyml.step(register=False)(read))
    assert pipeline.run(stack="prod", auto_start_ui=False).success
    assert read.seen == ["prod-example-key"]


def test_run_from_a_subdirectory(read, tmp_path, monkeypatch, two_stacks):
    """A relative `path` works wherever the pipeline is started from (S0.22)."""
    two_stacks()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert read.run(stack="prod").success
    assert read.seen == ["prod-example-key"]


@pytest.mark.parametrize("how", ["object", "name"])
def test_definition(flowyml, read, how, store, two_stacks):
    """A StackDefinition with `secrets:`, or stacks/prod.yaml by its name, goes before tacenda's stack of that name."""
    two_stacks("tacenda.yaml")
    file = Path("stacks/prod.yaml")
    file.parent.mkdir()
    store("stacks/own", API_KEY="example-of-the-definition")
    content = {
        "apiVersion": "flowyml.io/v1",
        "kind": "Stack",
        "metadata": {"name": "prod", "version": "1.0.0"},
        "spec": {"backend": "local", "secrets": {"provider": "local", "path": "own.json"}},
    }
    file.write_text(yaml.safe_dump(content))
    stack = flowyml.StackDefinition.from_yaml("stacks/prod.yaml") if how == "object" else "prod"
    assert read.run(stack=stack).success
    del content["spec"]["secrets"]
    file.write_text(yaml.safe_dump(content))
    stack = flowyml.StackDefinition.from_yaml("stacks/prod.yaml") if how == "object" else "prod"
    assert read.run(stack=stack).success
    assert read.seen == ["example-of-the-definition", "prod-example-key"]


def test_secrets_that_cannot_be_served(flowyml, run):
    """A pipeline that reads no secret runs on a stack whose secrets lack a setting; one that does fails."""

    def computes() -> int:
        return 1

    def reads() -> int:
        return len(tacenda.get("API_KEY"))

    definition = flowyml.StackDefinition.from_dict(
        {
            "apiVersion": "flowyml.io/v1",
            "kind": "Stack",
            "metadata": {"name": "cloud", "version": "1.0.0"},
            "spec": {"backend": "local", "secrets": {"provider": "azure_key_vault"}},
        }
    )
    assert run(computes, stack=definition).outputs == {"computes": 1}
    result = run(reads, stack=definition)
    assert not result.success
    assert "vault_url" in result.step_results["reads"].error


def test_a_broken_configuration(flowyml, run, tmp_path):
    """A tacenda.yaml that cannot be read stops who reads a secret, and nobody else."""
    (tmp_path / "tacenda.yaml").write_text("stacks: [")

    def computes() -> int:
        return 1

    def reads() -> int:
        return len(tacenda.get("API_KEY"))

    assert run(computes, stack=flowyml.LocalStack()).success
    result = run(reads, stack=flowyml.LocalStack())
    assert not result.success
    assert "malformed YAML" in result.step_results["reads"].error


def test_stack_registered_in_code(read, store):
    """A StackConfig that is registered in FlowyML serves with its own `secrets:`."""
    stack_config = importlib.import_module("flowyml.plugins.stack_config")
    store("mine", API_KEY="example-registered")
    config = stack_config.StackConfig.from_dict("mine", {"secrets": {"provider": "local", "path": "mine.json"}})
    stack_config.get_stack_manager().register_stack("mine", config)
    assert read.run(stack="mine").success
    assert read.seen == ["example-registered"]


def test_flowyml_stack_that_says_nothing(flowyml, read, monkeypatch, two_stacks):
    """A stack chosen by name that only FlowyML knows reads the environment, never another stack's secrets (S0.18)."""
    two_stacks("tacenda.yaml")
    monkeypatch.setenv("TACENDA_STACK", "dev")
    registry = importlib.import_module("flowyml.stacks.registry").get_registry()
    registry.register_stack(flowyml.LocalStack(name="prod-eu"))
    assert read.run(stack="prod-eu").success
    monkeypatch.setenv("API_KEY", "example-env")
    assert read.run(stack="prod-eu").success
    assert read.seen == [None, "example-env"]


def test_local_says_nothing_about_secrets(flowyml, read, monkeypatch, two_stacks):
    """LocalStack() and "local" are where steps run: secrets come from TACENDA_STACK's stack."""
    two_stacks("tacenda.yaml")
    monkeypatch.setenv("TACENDA_STACK", "dev")
    for stack in (flowyml.LocalStack(), "local", None):
        assert read.run(stack=stack).success
    assert read.seen == ["dev-example-key"] * 3


def test_active_stack(flowyml, read, tmp_path, monkeypatch, two_stacks):
    """Without `stack=`: TACENDA_STACK, then ours of FlowyML's active name, also in `use_stack` (C13)."""
    two_stacks()
    config = tmp_path / "flowyml.yaml"
    config.write_text(config.read_text() + "active_stack: prod\n")
    assert read.run().success
    with flowyml.use_stack("dev"):
        assert read.run().success
    monkeypatch.setenv("TACENDA_STACK", "dev")
    assert read.run().success
    assert read.run(stack="prod").success
    assert read.seen == ["prod-example-key", "dev-example-key", "dev-example-key", "prod-example-key"]


@pytest.mark.parametrize("stack", ["prd", "file:///nowhere#prod"])
def test_unknown_stack(flowyml, stack, two_stacks):
    """A stack that nobody knows is an error that lists those there are; FlowyML would run its default (C18)."""
    two_stacks()
    with pytest.raises(ConfigurationError, match="there is no stack") as raised:
        flowyml.Pipeline("training", stack=stack)
    assert "the stacks are: dev, prod" in str(raised.value)
    pipeline = flowyml.Pipeline("training", stack="prod")
    with pytest.raises(ConfigurationError, match="there is no stack"):
        pipeline.run(stack=stack, auto_start_ui=False)


def test_unknown_stack_without_configuration(flowyml):
    """The name of tacenda's own stack without a file, `default`, is no stack that somebody could mean."""
    with pytest.raises(ConfigurationError, match="the stacks are: none"):
        flowyml.Pipeline("training", stack="default")


def test_pipeline_in_a_step(read, run, two_stacks):
    """A pipeline that runs in a step of another has its own stack; afterwards the outer one's is back."""
    two_stacks()

    def outer() -> int:
        read.run(name="inner", stack="prod")
        return read()

    assert run(outer, stack="dev").success
    assert read.seen == ["prod-example-key", "dev-example-key"]


def test_two_threads(flowyml, monkeypatch, two_stacks):
    """Two pipelines that run at the same time each see their own stack (S0.4)."""
    two_stacks()
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # FlowyML's captures of two threads restore each other's
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    both = threading.Barrier(2, timeout=20)
    seen: dict[str, list[str]] = {"dev": [], "prod": []}

    def reading(stack: str) -> Any:
        def read() -> int:
            for _ in range(2):
                both.wait()
                seen[stack].append(str(tacenda.get("API_KEY")))
            return 1

        pipeline = flowyml.Pipeline(stack, stack=stack)
        return pipeline.add_step(flowyml.step(register=False)(read))

    pipelines = [reading(stack) for stack in seen]  # in one thread, for FlowyML makes its database then
    threads = [threading.Thread(target=pipeline.run, kwargs={"auto_start_ui": False}) for pipeline in pipelines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {stack: [f"{stack}-example-key"] * 2 for stack in seen}


def test_worker_threads(flowyml, run, two_stacks):
    """FlowyML's own worker threads read from the stack of the step that uses them; processes are left alone."""
    two_stacks()
    parallel = importlib.import_module("flowyml.core.parallel")
    performance = importlib.import_module("flowyml.utils.performance")
    seen: dict[str, set[str]] = {}

    def key(*_: Any) -> str:
        return str(tacenda.get("API_KEY"))

    def work() -> int:
        seen["map_task"] = set(flowyml.map_task(concurrency=4, name="mapped")(key)([1, 2, 3, 4]).results)
        executor = parallel.ParallelExecutor(max_workers=4)
        seen["map_items"] = set(executor.map_items(key, [1, 2, 3, 4]))
        seen["starmap"] = set(executor.starmap(key, [(1,), (2,)]))
        seen["steps"] = set(executor.execute_parallel_steps([key, key]))
        seen["parallel_map"] = set(parallel.parallel_map(key, [1, 2]))
        seen["performance"] = set(performance.ParallelExecutor(4).map_items(key, [1, 2, 3]))
        seen["processes"] = set(parallel.ParallelExecutor(2, backend="process").map_items(abs, [-1]))
        return 1

    result = run(work, stack="prod")
    assert result.success, result.step_results["work"].error
    assert seen.pop("processes") == {1}
    assert seen == {how: {"prod-example-key"} for how in seen}


def test_switching_to_vault(read, tmp_path, monkeypatch, vault, document):
    """`env` first, then Vault by editing the stack: the same code; a leftover variable is not read (S0.67, S0.68)."""
    monkeypatch.setenv("API_KEY", "example-exported")
    config = tmp_path / "tacenda.yaml"
    config.write_text(yaml.safe_dump({"stacks": {"prod": {"secrets": {"provider": "env"}}}}))
    assert read.run(stack="prod").success
    config.write_text(yaml.safe_dump({"stacks": {"prod": {"secrets": {**vault, "vault_path": document(API_KEY="v")}}}}))
    tacenda._process._STORES.clear()  # a new process
    assert read.run(stack="prod").success
    assert read.seen == ["example-exported", "v"]


def test_rotation(read, store, two_stacks):
    """A value that was rotated is in the next run of the same process, and not taken from a cache (S0.65)."""
    two_stacks()
    secrets = importlib.import_module("flowyml.stacks.enterprise.secrets")
    assert read.run(stack="prod").success
    store("prod", API_KEY="example-rotated")
    assert read.run(stack="prod").success
    secrets.get_secrets_provider({"provider": "local", "path": "prod.json"}).set_secret("API_KEY", "example-set")
    assert read.run(stack="prod").success
    assert read.seen == ["prod-example-key", "example-rotated", "example-set"]
