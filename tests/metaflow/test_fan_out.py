"""Many tasks at once: when they fetch, and how often they ask the backend."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lab import AwsGateway
from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.step import _fan_out
from metaflow_extensions.tacenda.plugins.step._fan_out import longest_wait, spread_start
from tacenda.testing import Gateway, moto, openbao

pytestmark = pytest.mark.metaflow

TASKS = 4
FLOW = """
from metaflow import FlowSpec, current, secrets, step
class FanOutFlow(FlowSpec):
    @step
    def start(self):
        self.parts = list(range(4))
        self.next(self.work, foreach="parts")
    @secrets(sources=["api-keys", "db-credentials", "oauth-tokens"])
    @step
    def work(self):
        print("read", *(key for name in current.secrets for key in current.secrets[name]))
        self.next(self.join)
    @step
    def join(self, inputs):
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    FanOutFlow()
"""
SECRETS = {
    "api-keys": {"API_KEY": "example-key-of-many"},
    "db-credentials": {"PASSWORD": "example-password-of-many"},
    "oauth-tokens": {"TOKEN": "example-token-of-many"},
}


def in_foreach(*splits: int | None) -> Any:
    """A flow in a task that is in foreach steps, outermost first, of so many splits."""
    return SimpleNamespace(_foreach_stack=[SimpleNamespace(num_splits=number) for number in splits])


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAFLOW_RUNTIME_ENVIRONMENT", "kubernetes")


@pytest.mark.parametrize(
    ("splits", "seconds"),
    [((), 0), ((1,), 0), ((19,), 0), ((20,), 0.2), ((100,), 1), ((10, 20), 2), ((1000,), 10), ((100000,), 10)],
)
def test_grows_with_the_foreach(elsewhere, splits: tuple[int, ...], seconds: float):
    """A wide foreach is spread over a time that grows with it, up to ten seconds; a narrow one starts at once."""
    assert longest_wait(in_foreach(*splits)) == pytest.approx(seconds)


@pytest.mark.parametrize("flow", [SimpleNamespace(), SimpleNamespace(_foreach_stack=None), in_foreach(None)])
def test_no_foreach_that_says_how_wide(elsewhere, flow: Any):
    """Steps without a foreach, and those of an unbounded one, do not wait."""
    assert longest_wait(flow) == 0


def test_local_tasks_do_not_wait():
    """Locally Metaflow itself starts a few at a time."""
    assert longest_wait(in_foreach(1000)) == 0


def test_setting(monkeypatch):
    """TACENDA_START_JITTER is the longest wait of a wide foreach, anywhere; 0 switches it off."""
    monkeypatch.setenv("TACENDA_START_JITTER", "2.5")
    assert longest_wait(in_foreach(1000)) == 2.5
    assert longest_wait(in_foreach(2)) == 0
    monkeypatch.setenv("METAFLOW_RUNTIME_ENVIRONMENT", "aws-batch")
    monkeypatch.setenv("TACENDA_START_JITTER", "0")
    assert longest_wait(in_foreach(1000)) == 0


@pytest.mark.parametrize("setting", ["soon", "-1", "nan", "inf"])
def test_setting_that_is_none(monkeypatch, setting: str):
    """What is no number of seconds is an error that names the variable."""
    monkeypatch.setenv("TACENDA_START_JITTER", setting)
    with pytest.raises(MetaflowException) as failed:
        longest_wait(in_foreach(1000))
    assert "TACENDA_START_JITTER must be a number of seconds, 0 or more" in str(failed.value)


def test_waits_a_random_part(elsewhere, monkeypatch):
    """Each task waits a random part of that time, and no task sleeps where there is nothing to wait for."""
    slept: list[float] = []
    monkeypatch.setattr(_fan_out.time, "sleep", slept.append)
    monkeypatch.setattr(_fan_out.random, "uniform", lambda low, high: low + (high - low) / 4)
    spread_start(in_foreach(400))
    assert slept == [pytest.approx(1)]
    spread_start(in_foreach(4))
    assert len(slept) == 1


@pytest.mark.slow
def test_one_read_for_each_task_of_aws(run_flow):
    """A foreach with three sources asks AWS once for each task, by its batch call: 4 reads, not 12 (C14)."""
    with moto() as aws, AwsGateway(aws.url) as gateway:
        for name, value in SECRETS.items():
            aws.client().create_secret(Name=name, SecretString=json.dumps(value))
        config = {"tacenda.yaml": "stacks: {prod: {secrets: {provider: aws, region: us-east-1}}}"}
        done = run_flow(FLOW, config, **{**aws.environment(), "AWS_ENDPOINT_URL": gateway.url})
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("read API_KEY PASSWORD TOKEN") == TASKS
    assert Counter(gateway.operations) == {"BatchGetSecretValue": TASKS}


@pytest.mark.slow
def test_one_read_for_each_task_of_vault(run_flow):
    """Where a stack is one document of Vault, each task of a foreach reads it once, whatever the number of sources."""
    with openbao() as bao, Gateway(bao.url) as gateway:
        bao.client().secrets.kv.v2.create_or_update_secret("training", SECRETS)
        entry = f"{{provider: vault, vault_url: '{gateway.url}', vault_path: training}}"
        done = run_flow(FLOW, {"tacenda.yaml": f"stacks: {{prod: {{secrets: {entry}}}}}"}, VAULT_TOKEN=bao.token)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("read API_KEY PASSWORD TOKEN") == TASKS
    assert gateway.requests == ["GET /v1/secret/data/training"] * TASKS
