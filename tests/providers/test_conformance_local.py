"""The conformance kit over local files of each format, plain and encrypted (S0.8)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pyrage
import pytest
from unprivileged import unreadable

from tacenda.providers.local import LocalProvider
from tacenda.testing import Harness, ProviderConformance


class LocalHarness(Harness):
    """One file, whose names are the secrets."""

    capabilities = LocalProvider.capabilities
    one_document = True

    def __init__(self, directory: Path, name: str) -> None:
        self.file = directory / name
        self.entry = {"provider": "local", "path": str(self.file)}
        if name.endswith(".age"):
            identity = directory / "key.txt"
            identity.write_text(f"{pyrage.x25519.Identity.generate()}\n")
            self.entry["identity"] = str(identity)

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return unreadable(self.file)


class LocalConformance(ProviderConformance):
    """The kit over a file of the class's format."""

    file: str
    impossible: ClassVar[dict[str, str]] = {
        "down": "a file has no server to wait for; test_local_faults has a full disk, test_local_age a damaged file",
        "throttled": "a file has no quota",
        "expired": "a file has no login",
    }

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return LocalHarness(tmp_path, self.file)


class TestJson(LocalConformance):
    """JSON."""

    file = "secrets.json"


class TestYaml(LocalConformance):
    """YAML."""

    file = "secrets.yaml"


class TestDotenv(LocalConformance):
    """dotenv."""

    file = ".env"


class TestEncrypted(LocalConformance):
    """JSON inside age."""

    file = "secrets.json.age"
