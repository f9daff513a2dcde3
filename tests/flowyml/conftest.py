"""FlowyML in this process, in a directory of the test's own; a server; and programs run as a user runs them."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import places_of
from programs import run as run_command

import tacenda
from tacenda.masking import Masker
from tacenda.testing import OpenBao, openbao

TWO_STACKS = """
stacks:
  dev: {secrets: {provider: local, path: dev.json}}
  prod: {secrets: {provider: local, path: prod.json}}
"""


@pytest.fixture(scope="session")
def bao() -> Iterator[OpenBao]:
    with openbao() as server:
        yield server


@pytest.fixture
def document(bao: OpenBao, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return a function that writes a document of the test's own to the server and returns its path."""

    def write(**fields: Any) -> str:
        path = f"ml/{request.node.name}"
        bao.client().secrets.kv.v2.create_or_update_secret(path, fields)
        return path

    return write


@pytest.fixture
def vault(bao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The documented settings that lead to the server; the token is in VAULT_TOKEN."""
    monkeypatch.setenv("VAULT_TOKEN", bao.token)
    return {"provider": "vault", "vault_url": bao.url, "vault_mount": "secret"}


@pytest.fixture
def flowyml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_registry: Masker) -> Any:
    """FlowyML as in a new process, whose work directory is tmp_path; pytest's own output is left alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TACENDA_MASKING", "0")
    package = importlib.import_module("flowyml")
    package.clear_step_registry()
    importlib.import_module("flowyml.plugins.stack_config").StackManager.reset()
    monkeypatch.setattr("flowyml.plugins.config._config", None)
    monkeypatch.setattr("flowyml.stacks.registry._global_registry", None)
    return package


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., None]:
    """Return a function that writes the secrets of a stack."""

    def write(stack: str, **values: Any) -> None:
        (tmp_path / f"{stack}.json").write_text(json.dumps(values))

    return write


@pytest.fixture
def two_stacks(tmp_path: Path, store: Callable[..., None]) -> Callable[..., None]:
    """Return a function that writes a configuration with stacks dev and prod, whose values begin with their names."""

    def write(file: str = "flowyml.yaml") -> None:
        (tmp_path / file).write_text(TWO_STACKS)
        for stack in ("dev", "prod"):
            store(stack, API_KEY=f"{stack}-example-key")

    return write


@pytest.fixture
def dev(flowyml: Any, two_stacks: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack dev serves, also where a pipeline names none."""
    two_stacks("tacenda.yaml")
    monkeypatch.setenv("TACENDA_STACK", "dev")


@pytest.fixture
def key() -> Callable[[], str]:
    """Return a function that returns the value of API_KEY as a plain text, as if it had come from anywhere."""

    def key() -> str:
        return "".join(tacenda.get("API_KEY"))

    return key


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], list[str]]:
    """Return a function that returns the files in which FlowyML has kept the value of API_KEY in stack dev."""
    return lambda: places_of("dev-example-key", *(path for path in tmp_path.iterdir() if path.is_dir()))


@pytest.fixture
def run(flowyml: Any) -> Callable[..., Any]:
    """Return a function that runs a pipeline of functions, one step each, and returns FlowyML's result."""

    def run_pipeline(*functions: Any, name: str = "training", **options: Any) -> Any:
        given = {key: options.pop(key) for key in ("inputs", "context_of_run") if key in options}
        steps = [
            step if hasattr(step, "func") else flowyml.step(outputs=[step.__name__], register=False)(step)
            for step in functions
        ]
        pipeline = flowyml.Pipeline(name, **options)
        pipeline.add_steps(steps)
        return pipeline.run(auto_start_ui=False, inputs=given.get("inputs"), context=given.get("context_of_run"))

    return run_pipeline


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program as a user does, in a home of its own; all it prints is in `stdout`."""

    def run_program(program: str, *arguments: str, directory: Path | None = None, **variables: str) -> Any:
        home = directory or tmp_path_factory.mktemp("program")
        (home / "program.py").write_text(program)
        return run_command("python", "program.py", *arguments, home=home, **variables)

    return run_program
