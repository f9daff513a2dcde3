"""`@secrets` of one step in this process, without a run: the decorator does what it does when the step starts.

What is settled when Metaflow is imported needs a process of its own: `in_a_process`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from metaflow import current
from metaflow.exception import MetaflowException
from metaflow.metaflow_current import Current
from metaflow.plugins import STEP_DECORATORS

from tacenda import masking

DECORATOR = next(each for each in STEP_DECORATORS if each.name == "secrets")


@pytest.fixture
def clean_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    """A directory, an environment and a `current` of the test's own; the output of pytest is left alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(masking, "install", lambda: None)
    monkeypatch.setattr(Current, "secrets", Current.secrets)
    with mock.patch.dict(os.environ):
        yield


def start_step(
    *sources: Any, retry_count: int = 0, ubf_context: str | None = None, flow: Any = None, **attributes: Any
) -> Any:
    """Do what Metaflow does when a step with these sources starts, and return `current.secrets`."""
    decorator = DECORATOR(attributes={"sources": list(sources), **attributes})
    decorator.task_pre_step("start", None, None, "1", "1", flow, None, retry_count, 0, ubf_context, None)
    return current.secrets


def failure(*sources: Any, **attributes: Any) -> str:
    """Return the message with which a step with these sources fails; it holds no value."""
    with pytest.raises(MetaflowException) as caught:
        start_step(*sources, **attributes)
    assert "example-" not in str(caught.value)
    return str(caught.value)


def in_a_process(program: str, *arguments: str, **variables: str) -> str:
    """Return what a program prints, run in the working directory with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "HOME": str(Path.cwd()), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
