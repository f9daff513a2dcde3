"""What the Metaflow extension costs a flow, and how often a fan-out asks the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks._measure import Result, interleaved
from benchmarks.metaflow_artifacts import run as artifacts
from benchmarks.metaflow_environments import environments
from tacenda.testing import Gateway, moto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.metaflow_environments import Environment
    from tacenda.testing import Moto

_TASKS = 50
_NAMES = ("bench-db", "bench-api")
_CONFIG = "stacks:\n  prod:\n    secrets: {provider: aws_secretsmanager}\n"
_TWO_STEPS = """
from metaflow import FlowSpec, secrets, step
class TwoSteps(FlowSpec):
    @step
    def start(self):
        self.next(self.end)
    DECORATOR
    @step
    def end(self):
        pass
if __name__ == "__main__":
    TwoSteps()
"""
_FAN_OUT = f"""
import os
from metaflow import FlowSpec, secrets, step
class FanOut(FlowSpec):
    @step
    def start(self):
        self.items = list(range({_TASKS}))
        self.next(self.work, foreach="items")
    DECORATOR
    @step
    def work(self):
        assert os.environ["BENCH_DB"] and os.environ["BENCH_API"]
        self.next(self.join)
    @step
    def join(self, inputs):
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    FanOut()
"""


def run() -> Iterator[Result]:
    """Measure imports, runs, a fan-out and a large artifact."""
    with environments() as (ours, peer):
        yield _imports(ours, peer)
        yield _plain(ours, peer)
        with moto() as aws:
            for name in _NAMES:
                key = name.upper().replace("-", "_")
                aws.client().create_secret(Name=name, SecretString=f'{{"{key}": "example-{name}"}}')
            yield _one_secret(ours, peer, aws)
            yield _fan_out(ours, peer, aws)
    yield from artifacts()


def _imports(ours: Environment, peer: Environment) -> Result:
    pair = interleaved(ours.imports, peer.imports, 15)
    extra = (min(pair.ours) - min(pair.peer)) * 1e3
    return Result(
        "`import metaflow.plugins` with the Metaflow extension; peer: without tacenda",
        "–",
        f"{extra:.0f} ms more",
        pair.detail(),
        True,
    )


def _plain(ours: Environment, peer: Environment) -> Result:
    flow = _TWO_STEPS.replace("DECORATOR", "")
    pair = interleaved(lambda: ours.runs(flow), lambda: peer.runs(flow), 15)
    return Result(
        "a run of two steps with the Metaflow extension; peer: without tacenda",
        "≤ 1.05 ×",
        f"{pair.ratio:.2f} × (minima {pair.best_ratio:.2f} ×)",
        pair.detail(),
        pair.ratio <= 1.05,
    )


def _one_secret(ours: Environment, peer: Environment, aws: Moto) -> Result:
    by_name = _TWO_STEPS.replace("DECORATOR", f"@secrets(sources=[{_NAMES[0]!r}])")
    typed = _TWO_STEPS.replace("DECORATOR", f"@secrets(sources=['aws-secrets-manager.{_NAMES[0]}'])")
    variables = aws.environment()
    pair = interleaved(
        lambda: ours.runs(by_name, {"tacenda.yaml": _CONFIG}, variables), lambda: peer.runs(typed, {}, variables), 7
    )
    return Result(
        "a run of two steps, one AWS secret by `@secrets`, output masked; peer: Metaflow's own `@secrets`",
        "–",
        f"{pair.ratio:.2f} × (minima {pair.best_ratio:.2f} ×)",
        pair.detail(),
        True,
    )


def _fan_out(ours: Environment, peer: Environment, aws: Moto) -> Result:
    by_name = _FAN_OUT.replace("DECORATOR", f"@secrets(sources={[*_NAMES]})")
    typed = _FAN_OUT.replace("DECORATOR", f"@secrets(sources={[f'aws-secrets-manager.{name}' for name in _NAMES]})")
    with Gateway(aws.url) as gateway:
        variables = {**aws.environment(), "AWS_ENDPOINT_URL": gateway.url}
        ours_took = ours.runs(by_name, {"tacenda.yaml": _CONFIG}, variables)
        reads = len(gateway.requests)
        gateway.requests.clear()
        peer_took = peer.runs(typed, {}, variables)
        peers_reads = len(gateway.requests)
    return Result(
        f"foreach of {_TASKS}, two AWS secrets per task, with the grant for batches; peer: Metaflow's own `@secrets`",
        f"{_TASKS} backend reads",
        f"{reads} backend reads",
        f"peer {peers_reads} backend reads; one run each, {ours_took:.1f} s, peer {peer_took:.1f} s; "
        "without the grant 3 requests per task: the batch that is denied, and one per secret",
        reads == _TASKS,
    )
