"""What the tests of the flytekit adapter share: a stack in a directory of its own, and runs as a user starts them."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import places_of, run

from tacenda.masking import Masker

CONFIG = "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}"


@pytest.fixture(autouse=True, scope="module")
def collected() -> Iterator[None]:
    """Have flytekit's checkpoints, temporary directories that nobody closes, collected where nobody minds."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"))


@pytest.fixture
def stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_registry: Masker
) -> Callable[[dict[str, Any] | None], Path]:
    """Return a function that makes a directory with a stack `dev` the working directory; None: no configuration.

    Masking is left off, so that pytest's own descriptors stay as they are; whole runs show it.
    """
    for name in [name for name in os.environ if name.startswith(("_FSEC_", "FLYTE_SECRETS_", "TACENDA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TACENDA_MASKING", "0")
    monkeypatch.chdir(tmp_path)

    def make(secrets: dict[str, Any] | None) -> Path:
        if secrets is not None:
            tmp_path.joinpath("tacenda.yaml").write_text(CONFIG)
            tmp_path.joinpath(".secrets.json").write_text(json.dumps(secrets))
        return tmp_path

    return make


@pytest.fixture(scope="session")
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command of this environment in a directory that is its home, too.

    It takes the directory, the command's words and environment variables, and returns the finished process with all
    output in `stdout`.
    """

    def run_in(directory: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return run(*command, home=directory, **variables)

    return run_in


@pytest.fixture
def leaks() -> Callable[..., list[str]]:
    """Return a function that searches an output, and every file below a directory, for values, encoded ones too."""

    def search(directory: Path, output: str, *values: str) -> list[str]:
        return places_of(values, directory, output=output)

    return search
