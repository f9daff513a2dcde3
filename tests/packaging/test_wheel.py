"""What is in the wheel: what users get from the index."""

from __future__ import annotations

import email
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BACKENDS = {"vault", "aws", "azure", "gcp", "github", "age"}
ORCHESTRATORS = {"metaflow", "flytekit", "flyte", "zenml", "flowyml"}


@pytest.fixture(scope="module")
def content(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def info(content: dict[str, str], name: str) -> str:
    return next(text for path, text in content.items() if path.endswith(f".dist-info/{name}"))


def test_top_level(content):
    """Metaflow finds the extension, because top_level.txt lists it beside the core."""
    assert {"metaflow_extensions", "tacenda"} <= set(info(content, "top_level.txt").split())


def test_metaflow_namespace(content):
    """Other extensions can be installed beside ours: metaflow_extensions is nobody's package."""
    assert "metaflow_extensions/tacenda/plugins/mfextinit_tacenda.py" in content
    assert "metaflow_extensions/__init__.py" not in content


ENTRY_POINTS = {
    "flytekit.plugins": ("tacenda_flyte.flytekit", "tacenda_flyte/flytekit/__init__.py"),
    "flyte.plugins.types": ("tacenda_flyte.flyte", "tacenda_flyte/flyte/__init__.py"),
    "zenml.init_hooks": ("tacenda_zenml:init_hook", "tacenda_zenml/__init__.py"),
    "flowyml.stack_components": ("tacenda_flowyml", "tacenda_flowyml/__init__.py"),
}


def test_entry_points(content):
    """Each of the other orchestrators finds its adapter, which is in the wheel, by an entry point of its own."""
    listed = ConfigParser()
    listed.read_string(info(content, "entry_points.txt"))
    assert set(listed.sections()) == {*ENTRY_POINTS, "console_scripts"}
    for group, (value, file) in ENTRY_POINTS.items():
        assert dict(listed[group]) == {"tacenda": value}
        assert file in content


def test_every_source_is_in_it(content):
    """No module of the core or of an adapter is left out."""
    roots = [ROOT / "shared", *(ROOT / "adapters").iterdir()]
    sources = {file.relative_to(root).as_posix() for root in roots for file in root.rglob("*.py")}
    assert sources <= set(content)


def test_typed(content):
    """Type checkers use the annotations."""
    assert "tacenda/py.typed" in content


def test_only_packages(content):
    """The wheel holds packages and their metadata: no tests, examples or documentation."""
    roots = {path.partition("/")[0] for path in content if ".dist-info/" not in path}
    assert roots <= {"metaflow_extensions", "tacenda", "tacenda_flowyml", "tacenda_flyte", "tacenda_zenml"}
    assert not [path for path in content if path.endswith((".md", "conftest.py")) or "/test_" in path]


def test_metadata(content):
    """Extras, the command and the licence are as documented."""
    metadata = email.message_from_string(info(content, "METADATA"))
    assert set(metadata.get_all("Provides-Extra", [])) == {*BACKENDS, *ORCHESTRATORS, "all", "testing"}
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert "tacenda = tacenda.cli:main" in info(content, "entry_points.txt")
    assert "Apache License" in info(content, "licenses/LICENSE")


def requirements(content: dict[str, str]) -> list[Requirement]:
    return [Requirement(text) for text in email.message_from_string(info(content, "METADATA")).get_all("Requires-Dist")]


def names(content: dict[str, str], *extras: str) -> set[str]:
    """Return what some extras add to the plain installation."""
    return {
        each.name
        for each in requirements(content)
        if each.marker and any(each.marker.evaluate({"extra": extra}) for extra in extras)
    }


def test_no_pins(content):
    """No dependency is pinned to one version, since we are installed beside orchestrators with pins of their own."""
    assert {clause.operator for each in requirements(content) for clause in each.specifier} == {">="}


def test_no_requirement_on_itself(content):
    """No extra is made of others: Metaflow takes an extension that requires itself for a cycle and does not start."""
    assert "tacenda" not in {each.name for each in requirements(content)}


def test_all(content):
    """The extra `all` is every backend, and no orchestrator."""
    assert names(content, "all") == names(content, *BACKENDS)
