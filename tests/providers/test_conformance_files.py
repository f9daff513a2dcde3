"""The conformance kit over mounted files."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from unprivileged import unreadable

from tacenda import SecretStore
from tacenda.providers.files import FilesProvider
from tacenda.testing import Harness, ProviderConformance


class FilesHarness(Harness):
    """A directory: bundles of texts as Kubernetes mounts them, other bundles as JSON files."""

    capabilities = FilesProvider.capabilities

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entry = {"provider": "files", "path": str(directory)}

    def seed(self, name: str, value: Any) -> None:
        place = self.directory / name
        if place.is_dir():
            shutil.rmtree(place)
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            for key, item in value.items():
                self.seed(f"{name}/{key}", item)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value) if isinstance(value, dict) else value
        place.write_bytes(text if isinstance(text, bytes) else text.encode())

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return unreadable(self.directory / name)


class TestFiles(ProviderConformance):
    """A directory whose files and folders are the secrets."""

    impossible: ClassVar[dict[str, str]] = {
        "down": "a mount has no server to wait for; test_files has a broken one",
        "throttled": "a directory has no quota",
        "expired": "a directory has no login",
    }

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        directory = tmp_path / "mount"
        directory.mkdir()
        return FilesHarness(directory)

    def test_names_with_slashes(self, store: SecretStore, put: Any, can: Any) -> None:
        """A name may have folders; a folder with files is itself a secret, and lists as that."""
        put("kit/team/db", "example")
        put("kit/other", "example")
        assert store.get("kit/team/db") == "example"
        assert store.get("kit/team", "db") == "example"
        assert [info.name for info in store.list("kit/team/")] == ["kit/team/db"]
        assert [info.name for info in store.list("kit")] == ["kit", "kit/team"]
