"""What the guard of artifacts costs: saving 500 MB with secrets registered, over saving them without a guard."""

from __future__ import annotations

import json
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks._measure import Result, cpu_timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SIZE = 500_000_000
_SECRETS = (6, 100)


def run() -> Iterator[Result]:
    """Measure in a process of its own, whose masker knows nothing else."""
    done = subprocess.run([sys.executable, "-m", __spec__.name], check=True, capture_output=True, text=True)
    saving, *guarding = json.loads(done.stdout)
    shares = [f"{(saving + seconds) / saving:.2f} ×" for seconds in guarding]
    counts = [f"{count} secrets" for count in _SECRETS]
    yield Result(
        f"a Metaflow task saves an artifact of {_SIZE // 10**6} MB (a NumPy array of random numbers), guarded; "
        "peer: not guarded",
        "–",
        ", ".join(f"{share} with {count}" for share, count in zip(shares, counts, strict=True)),
        f"in processor time: saving {saving:.1f} s, the search "
        + ", ".join(f"{seconds:.1f} s with {count}" for seconds, count in zip(guarding, counts, strict=True)),
        True,
    )


def _measure() -> list[float]:
    """Return the seconds that saving takes without a guard, and what the guard adds for each number of secrets."""
    import numpy as np

    from metaflow_extensions.tacenda.plugins.leaks._artifacts import guarded_artifacts
    from tacenda.masking import registry

    artifacts = [("weights", np.random.default_rng(1).random(_SIZE // 8))]
    seconds = [_saving(artifacts)]
    guarded = guarded_artifacts(_saved)
    for count in _SECRETS:
        for number in range(len(registry()), count):
            registry().add(f"example-{number:03}-{'wxyz'[number % 4] * 12}", f"bench/{number}")
        seconds.append(min(cpu_timed(lambda: guarded(_Task(), iter(artifacts), 1)) for _ in range(2)))
    return seconds


class _Task:
    """All that the guard looks at of the datastore of a task."""

    step_name = "start"


def _saved(task: Any, artifacts: Iterable[Any], count: int = 0) -> None:
    assert len(list(artifacts)) == count


def _saving(artifacts: list[Any]) -> float:
    """Return the seconds that Metaflow's own function takes to save artifacts in a directory."""
    from inspect import unwrap

    from metaflow.datastore import FlowDataStore
    from metaflow.datastore.task_datastore import TaskDataStore
    from metaflow.plugins.datastores.local_storage import LocalStorage

    with TemporaryDirectory() as directory:
        flow = FlowDataStore("Bench", None, storage_impl=LocalStorage, ds_root=directory)
        task = flow.get_task_datastore("1", "start", "1", attempt=0, mode="w")
        task.init_task()
        return cpu_timed(lambda: unwrap(TaskDataStore.save_artifacts)(task, iter(artifacts), len(artifacts)))


if __name__ == "__main__":
    print(json.dumps(_measure()))
