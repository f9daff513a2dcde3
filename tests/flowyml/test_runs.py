"""What a run does with secrets: failures are seen, caches hold no stale thing, and without secrets all is as ever."""

from __future__ import annotations

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import tacenda
from tacenda.errors import BackendUnavailable, SecretNotFound

pytestmark = [pytest.mark.flowyml, pytest.mark.usefixtures("dev")]


# -- failures -----------------------------------------------------------------------------------------------


def test_missing(run):
    """A secret that is missing fails the run, with each place that was asked."""

    def step() -> None:
        tacenda.get("NOTHING")

    result = run(step)
    assert (result.success, result.state) == (False, "failed")
    assert "there is no secret 'NOTHING' in stack 'dev'" in result.step_results["step"].error
    assert "tried: local://dev.json#NOTHING" in result.step_results["step"].error


def test_missing_in_an_if(flowyml):
    """FlowyML calls a run a success although a step of an `If` failed; for its secrets it fails then."""

    def start() -> int:
        return 1

    def missing() -> None:
        tacenda.get("NOTHING")

    pipeline = flowyml.Pipeline("training")
    pipeline.add_step(flowyml.step(outputs=["start"], register=False)(start))
    pipeline.add_control_flow(flowyml.If(condition=lambda _: True, then_step=missing))
    with pytest.raises(SecretNotFound, match="NOTHING"):
        pipeline.run(auto_start_ui=False)


def test_failure_that_is_handled(run):
    """What a step handles itself, or a retry mends, is no failure of the run."""
    attempts: list[int] = []

    def handles() -> str:
        try:
            return str(tacenda.get("NOTHING"))
        except KeyError:
            return "none"

    def retried() -> int:
        attempts.append(1)
        tacenda.get("NOTHING" if len(attempts) == 1 else "API_KEY")
        return len(attempts)

    flowyml = importlib.import_module("flowyml")
    result = run(handles, flowyml.step(outputs=["retried"], retry=1, register=False)(retried))
    assert result.success
    assert result.outputs["retried"] == 2


def test_broken_is_not_missing(run, tmp_path, monkeypatch):
    """A backend that cannot be asked is told from a secret that is missing (S0.53)."""
    config = {"dev": {"deadline": 0, "secrets": {"provider": "vault", "vault_url": "http://127.0.0.1:9"}}}
    (tmp_path / "tacenda.yaml").write_text(json.dumps({"stacks": config}))
    monkeypatch.setenv("VAULT_TOKEN", "example-token")
    secrets = importlib.import_module("flowyml.stacks.enterprise.secrets")
    errors = []

    def step() -> None:
        try:
            secrets.get_secrets_provider().get_secret("API_KEY")
        except BackendUnavailable as error:
            errors.append(error)
            raise

    assert not run(step).success
    assert errors


# -- caches -------------------------------------------------------------------------------------------------


def test_cache(run, key):
    """What a step made with a secret is made anew in the next run, on another stack too; the rest is cached."""
    calls = []

    def reads() -> int:
        calls.append("reads")
        return len(key())

    def computes() -> int:
        calls.append("computes")
        return 1

    results = [run(reads, computes, stack=stack) for stack in ("dev", "prod")]
    assert calls == ["reads", "computes", "reads"]
    assert [result.outputs["reads"] for result in results] == [len("dev-example-key"), len("prod-example-key")]
    assert [result.step_results["computes"].cached for result in results] == [False, True]


def test_cache_and_threads(flowyml, run, key):
    """A secret that a worker thread has read counts as read by the step."""
    calls = []

    def reads() -> int:
        calls.append(1)
        return len(importlib.import_module("flowyml.core.parallel").parallel_map(lambda _: len(key()), [1, 2]))

    assert [run(reads).outputs["reads"] for _ in range(2)] == [2, 2]
    assert len(calls) == 2


def test_cache_and_threads_of_a_users_own(run, key):
    """So does one that a thread which the step started has read, though such a thread knows nothing of the step."""
    calls = []

    def reads() -> int:
        calls.append(1)
        with ThreadPoolExecutor(1) as pool:
            return len(pool.submit(key).result())

    def computes() -> int:
        return 1

    results = [run(reads, computes) for _ in range(2)]
    assert len(calls) == 2
    assert [result.step_results["computes"].cached for result in results] == [False, True]


def test_without_secrets(run, monkeypatch):
    """A pipeline that reads no secret runs as without tacenda: nothing is searched, nothing is started."""
    monkeypatch.setattr("tacenda.masking._guard._leaks.find_leaks", None)

    def step() -> str:
        sys.stdout.write("printed")
        return "text"

    result = run(step, stack="prod")
    assert result.outputs["step"] == "text"
