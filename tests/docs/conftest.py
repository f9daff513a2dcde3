"""A reader at a terminal, in a directory of their own, and a real server of the Vault API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # import-mode=importlib finds no helpers beside the tests
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from reader import Reader

from tacenda.testing import OpenBao, openbao


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Somebody who copies what the README says."""
    return Reader(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenBao]:
    """A real server of the Vault API."""
    with openbao() as running:
        yield running
