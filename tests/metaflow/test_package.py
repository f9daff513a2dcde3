"""What the code package of a flow holds of tacenda, by `python flow.py package save`."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from metaflow import metaflow_config
from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins import _carried
from metaflow_extensions.tacenda.plugins.remote._package import core_files, packaged_files

pytestmark = pytest.mark.metaflow

FLOW = """
from metaflow import FlowSpec, secrets, step
class PackageFlow(FlowSpec):
    {decorator}
    @step
    def start(self):
        self.next(self.end)
    {decorator}
    @step
    def end(self):
        pass
if __name__ == "__main__":
    PackageFlow()
"""
DECLARING = FLOW.format(decorator='@secrets(sources=["api-keys"])')
CONFIG = """
stacks:
  prod:
    secrets:
      - {provider: env, prefix: EXAMPLE_}
      - {provider: vault, vault_url: "https://vault.example", auth: {method: approle, role_id_file: /run/role}}
"""
CODE = ".mf_code"
Package = Callable[..., tuple[dict[str, bytes], str]]


@pytest.fixture
def package(run_flow, tmp_path: Path) -> Package:
    """Return a function that makes a flow's package and returns its files, none if that failed, and the output."""

    def make(flow: str, files: dict[str, str], **variables: str) -> tuple[dict[str, bytes], str]:
        archive = tmp_path / "package.tar"
        arguments = ["package", "save", str(archive)]
        done = run_flow(flow, files, directory=tmp_path, arguments=arguments, **variables)
        if done.returncode:
            return {}, done.stdout
        with tarfile.open(archive) as opened:
            names = [member.name for member in opened.getmembers()]
            assert len(names) == len(set(names)), "a file is there twice"
            return {name: opened.extractfile(name).read() for name in names}, done.stdout

    return make


def test_what_is_carried(package):
    """The core, the extension and the snapshot are carried once, though two steps declare; no servers for tests.

    The commands are: an image's own `tacenda` would not find its modules behind this core.
    """
    files, _ = package(DECLARING, {"tacenda.yaml": CONFIG})
    ours = {
        name.removeprefix(f"{CODE}/") for name in files if name.startswith((f"{CODE}/tacenda", f"{CODE}/metaflow_ext"))
    }
    assert {"tacenda/_store.py", "tacenda/masking/_output/_helper.py", "tacenda/providers/vault.py"} <= ours
    assert "tacenda/cli/__init__.py" in ours
    assert "metaflow_extensions/tacenda/plugins/secrets_decorator.py" in ours
    assert {"tacenda_snapshot/metaflow.json", "tacenda_snapshot/stack.json"} <= ours
    assert not [name for name in ours if name.startswith("tacenda/testing/")]
    assert not [name for name in ours if not name.endswith((".py", "tacenda_snapshot/metaflow.json", "stack.json"))]


def test_snapshot(package):
    """The snapshot is the stack, its paths as here, and Metaflow's settings of which runtimes forward but some."""
    settings = {"DEFAULT_SECRETS_ROLE": "arn:aws:iam::1:role/Example", "AZURE_KEY_VAULT_PREFIX": "https://v.example"}
    variables = {f"METAFLOW_{name}": value for name, value in settings.items()}
    files, _ = package(DECLARING, {"tacenda.yaml": CONFIG}, TACENDA_STACK="prod", **variables)
    stack = json.loads(files[f"{CODE}/tacenda_snapshot/stack.json"])
    assert stack["default_stack"] == "prod"
    assert [entry["provider"] for entry in stack["stacks"]["prod"]["secrets"]] == ["env", "vault"]
    carried = json.loads(files[f"{CODE}/tacenda_snapshot/metaflow.json"])
    assert settings.items() <= carried["settings"].items()


def test_metaflows_settings_alone(package):
    """Where Metaflow's settings decide, they travel, and no stack does: the container decides by them as well."""
    files, _ = package(DECLARING, {}, METAFLOW_GCP_SECRET_MANAGER_PREFIX="projects/example/secrets")
    assert f"{CODE}/tacenda_snapshot/stack.json" not in files
    carried = json.loads(files[f"{CODE}/tacenda_snapshot/metaflow.json"])["settings"]
    assert carried["GCP_SECRET_MANAGER_PREFIX"].rstrip("/") == "projects/example/secrets"
    assert carried["DEFAULT_SECRETS_BACKEND_TYPE"] == "gcp-secret-manager"


def test_found_file_beside_metaflows_type(package):
    """A file that is there beside Metaflow's type travels for references and typed names; it counts as found only."""
    files, _ = package(DECLARING, {"tacenda.yaml": CONFIG}, METAFLOW_SECRETS_BACKEND_TYPE="aws-secrets-manager")
    assert f"{CODE}/tacenda_snapshot/stack.json" in files
    assert json.loads(files[f"{CODE}/tacenda_snapshot/metaflow.json"])["chosen"] is False


def test_only_where_secrets_are_declared(package):
    """A flow without @secrets carries neither the core nor a snapshot."""
    files, _ = package(FLOW.format(decorator=""), {"tacenda.yaml": CONFIG})
    assert not [name for name in files if name.startswith((f"{CODE}/tacenda/", f"{CODE}/tacenda_snapshot"))]


def test_broken_configuration_of_a_local_run(run_flow):
    """A run on this machine is told once what is wrong, by the step: nobody needs the package."""
    done = run_flow(DECLARING, {"tacenda.yaml": "stacks: {prod: {secrets: {provider: nobodys}}}"})
    assert done.returncode != 0
    assert done.stdout.count("there is no provider 'nobodys'") == 1
    assert "Package creation" not in done.stdout


INLINE = {"type": "inline", "id": "x", "options": {"env_vars": {}}}


@pytest.mark.parametrize("where", ["start", "kubernetes"])
@pytest.mark.parametrize("source", [INLINE, "api-keys", list])
def test_broken_configuration_of_a_deployment(monkeypatch, tmp_path, where: str, source: Any):
    """It fails the package only where a step elsewhere may need it: not for Metaflow's own sources, nor a local run."""
    (tmp_path / "broken.yaml").write_text("stacks: {prod: {secrets: {provider: nobodys}}}")
    monkeypatch.setenv("TACENDA_CONFIG", str(tmp_path / "broken.yaml"))
    declares = SimpleNamespace(name="secrets", attributes={"sources": [source]})
    flow = [SimpleNamespace(__name__="start", decorators=[declares, SimpleNamespace(name=where)])]
    if where == "kubernetes" and source is not INLINE:
        with pytest.raises(MetaflowException, match="there is no provider 'nobodys'"):
            list(packaged_files(flow, "secrets"))
    else:
        carried = {arcname for _, arcname in packaged_files(flow, "secrets")}
        assert "tacenda/_store.py" in carried
        assert not [name for name in carried if name.startswith(_carried.FOLDER)]


def test_file_with_secrets(package, tmp_path):
    """The file of a stack stays here, unless --package-suffixes takes it in: that is warned of, without a value."""
    files = {
        "tacenda.yaml": "stacks: {dev: {secrets: {provider: local}}}",
        ".secrets.json": '{"api-keys": "example-x"}',
    }
    carried, said = package(DECLARING, files)
    assert ".secrets.json" not in carried
    assert "the code package takes in" not in said
    carried, said = package(DECLARING, files, METAFLOW_DEFAULT_PACKAGE_SUFFIXES=".py,.secrets.json")
    assert ".secrets.json" in carried
    assert f"the code package takes in {tmp_path}/.secrets.json, with the secrets of tacenda's stack 'dev'" in said
    assert "example-x" not in said


@pytest.mark.parametrize(("kind", "warned"), [(None, True), ("aws-secrets-manager", False)])
def test_file_that_a_remote_step_asks(monkeypatch, tmp_path, caplog, kind: str | None, warned: bool):
    """A file of this machine is warned of where a step elsewhere would ask it, not where Metaflow's backend serves."""
    (tmp_path / "tacenda.yaml").write_text("stacks: {dev: {secrets: {provider: local}}}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(metaflow_config, "DEFAULT_SECRETS_BACKEND_TYPE", kind)
    declares = SimpleNamespace(name="secrets", attributes={"sources": ["api-keys"]})
    list(
        packaged_files(
            [SimpleNamespace(__name__="start", decorators=[declares, SimpleNamespace(name="batch")])], "secrets"
        )
    )
    assert ("runs on another machine" in caplog.text) is warned


def test_same_content(package, tmp_path):
    """The package of the same flow is the same, byte for byte: Metaflow stores it once."""
    made = []
    for _ in range(2):
        package(DECLARING, {"tacenda.yaml": CONFIG})
        made.append((tmp_path / "package.tar").read_bytes())
    assert made[0] == made[1]


def test_every_module_that_is_imported_is_carried():
    """The carried part of the core is closed: no carried module imports one that is left out."""
    carried = {arcname: Path(path).read_text() for path, arcname in core_files()}
    assert "tacenda/__init__.py" in carried
    for arcname, source in carried.items():
        lines = [line.strip() for line in source.splitlines()]
        imports = [line for line in lines if line.startswith(("import tacenda.testing", "from tacenda.testing"))]
        assert not imports, arcname


@pytest.fixture
def snapshot_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A snapshot beside the extension, as in an unpacked code package; TACENDA_CONFIG as it was afterwards."""
    folder = tmp_path / "code" / _carried.FOLDER
    folder.mkdir(parents=True)
    (folder / _carried.STACK).write_text('{"stacks": {"carried": {"secrets": {"provider": "env"}}}}')
    (folder / _carried.SETTINGS).write_text(
        '{"settings": {"DEFAULT_SECRETS_ROLE": "r"}, "chosen": false, "variables": {}}'
    )
    monkeypatch.setattr(_carried, "_HOME", str(tmp_path / "code"))
    monkeypatch.setenv("TACENDA_CONFIG", "to be restored")
    monkeypatch.delenv("TACENDA_CONFIG")
    _carried.carried.cache_clear()
    yield folder / _carried.STACK
    _carried.carried.cache_clear()


@pytest.mark.parametrize("variable", ["METAFLOW_EXTRACTED_ROOT", "METAFLOW_RUNTIME_ENVIRONMENT"])
def test_snapshot_is_used_by_metaflows_own_tasks(snapshot_beside, monkeypatch, variable: str):
    """In a container, and in a local environment of @conda, the snapshot is the configuration."""
    monkeypatch.setenv(variable, "kubernetes")
    _carried.use_carried_stack()
    assert os.environ["TACENDA_CONFIG"] == str(snapshot_beside)
    assert _carried.carried()["settings"] == {"DEFAULT_SECRETS_ROLE": "r"}
    assert _carried.was_found(str(snapshot_beside))
    assert not _carried.was_found("/etc/tacenda.yaml")


def test_stale_snapshot_is_left_alone(snapshot_beside, monkeypatch):
    """A package that somebody has unpacked and runs by hand says nothing: what holds there and then is asked."""
    for variable in ("METAFLOW_EXTRACTED_ROOT", "METAFLOW_RUNTIME_ENVIRONMENT"):
        monkeypatch.delenv(variable, raising=False)
    _carried.use_carried_stack()
    assert "TACENDA_CONFIG" not in os.environ
    assert _carried.carried() is None
    assert not _carried.was_found(str(snapshot_beside))


def test_damaged_snapshot_does_not_break_the_import(snapshot_beside, monkeypatch):
    """What cannot be read never makes `import metaflow` fail."""
    monkeypatch.setenv("METAFLOW_EXTRACTED_ROOT", "/example")
    (snapshot_beside.parent / _carried.SETTINGS).write_text("{")
    _carried.use_carried_stack()
    assert "TACENDA_CONFIG" not in os.environ
