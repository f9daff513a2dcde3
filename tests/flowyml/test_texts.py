"""Texts that FlowyML keeps, sends or shows are masked: errors, logs, what is logged by hand."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.flowyml, pytest.mark.usefixtures("dev")]


def test_errors(run, key, kept):
    """An error that holds a value is masked in the result and in every file."""

    def step() -> None:
        raise ConnectionError(f"no route to postgres://u:{key()}@db")

    error = run(step).step_results["step"].error
    assert "postgres://u:[masked]@db" in error
    assert kept() == []


def test_experiments_and_runs(flowyml, key, kept):
    """What is logged by hand to an experiment or to a run is masked in their files as in metadata.db."""
    tracking = importlib.import_module("flowyml.tracking.experiment")
    tracking.Experiment("tried", description=key(), tags={"t": key()}).log_run("1", {"score": 0.5}, {"token": key()})
    run = importlib.import_module("flowyml.tracking.runs").Run("by-hand", "training", parameters={"token": key()})
    run.log_metric("note", f"key {key()}")
    run.log_metric("score", 0.5)
    metrics = json.loads(Path(".flowyml/runs/by-hand.json").read_text())["metrics"]
    assert metrics == {"note": "key [masked]", "score": 0.5}
    assert run.metadata.metrics["note"] == f"key {key()}"
    assert kept() == []


def test_texts_that_flowyml_keeps_or_sends(flowyml, key, kept):
    """Notifications, traces and what is saved by hand into metadata.db are masked."""
    notifications = importlib.import_module("flowyml.monitoring.notifications")
    sent: list[Any] = []

    class Channel(notifications.NotificationChannel):
        def send(self, notification: Any) -> bool:
            sent.append(notification)
            return True

    notifier = notifications.NotificationManager()
    notifier.add_channel(Channel())
    notifier.on_pipeline_failure("training", "1", error=f"with {key()}")
    assert (sent[0].message, sent[0].metadata["error"]) == (
        "Pipeline 'training' failed: with [masked]",
        "with [masked]",
    )

    @flowyml.trace_llm(name="call")
    def call(header: str) -> str:
        return header

    call(f"Bearer {key()}")
    store = importlib.import_module("flowyml.storage.metadata").SQLiteMetadataStore()
    store.save_run("1", {"pipeline_name": "p", "context": {"a": [key()], key(): 1}, "number": 1})
    assert store.load_run("1")["context"] == {"a": ["[masked]"], "[masked]": 1}
    assert store.load_run("1")["number"] == 1
    assert kept() == []


def test_split_output(flowyml, key):
    """A value that a step prints in pieces is masked in what the dashboard gets, and nothing else is lost."""
    capture = importlib.import_module("flowyml.core.executor").LogCapture()
    capture.write("before any secret ")
    value = key()
    for piece in ("a ", value[:6], value[6:], " b ", value[:9]):
        capture.write(piece)
    assert "".join(capture.get_and_clear()) == "before any secret a [masked] b [masked]"
    capture.write(value[9:])
    capture.write(" c ")
    assert "".join(capture.get_and_clear()) == " c "
    assert capture.get_and_clear() == []
