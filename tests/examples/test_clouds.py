"""One program on three clouds: it is run as its page says, on the test servers, through the real SDKs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from programs import places_of, run

from tacenda._registry import entry

EXAMPLE = Path(__file__).parents[2] / "examples" / "clouds"
PAGE = (EXAMPLE / "README.md").read_text()


@pytest.fixture(scope="module")
def shown(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What the program of the page printed."""
    return run("python", examples / "clouds" / "three_clouds.py", home=tmp_path_factory.mktemp("home"))


def test_one_program_three_clouds(shown):
    """The same file reads both secrets on AWS, Azure and GCP with that cloud's login alone, and shows masks (S0.66)."""
    assert shown.returncode == 0, shown.stdout
    [page] = re.findall(r"(?s)It shows:\n\n```\n(.*?)```", PAGE)
    assert shown.stdout == page


def test_no_value_is_shown(shown):
    """No value is in the output, neither as it is nor encoded."""
    assert shown.stdout.count("[masked]") == 9
    assert places_of("example-", output=shown.stdout) == []


def test_the_program_knows_no_cloud():
    """Nothing in the program names a cloud, an SDK, an address or a credential (S0.1)."""
    code = (EXAMPLE / "train.py").read_text().partition('"""\n\n')[2]
    imported = set(re.findall(r"(?m)^(?:import|from) (\w+)", code))
    assert imported == {"base64", "tacenda"}
    assert not re.search(r"(?i)aws|azure|gcp|boto|google|http", code)


def test_its_configuration_holds_no_credential():
    """The stacks of the page name places only; every login is the cloud's own (S0.72)."""
    stacks = yaml.safe_load((EXAMPLE / "tacenda.yaml").read_text())["stacks"]
    settings = {name: entry(stack["secrets"], name).settings for name, stack in stacks.items()}
    assert settings == {
        "aws": {"region": "eu-central-1"},
        "azure": {"vault_url": "https://my-vault.vault.azure.net"},
        "gcp": {"project_id": "my-project"},
    }
