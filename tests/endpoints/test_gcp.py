"""The conformance kit over one's own Google Cloud project: TACENDA_TEST_GCP_PROJECT, or `--docker` (S0.13)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tacenda.errors import SecretNotFound
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import Harness, ProviderConformance

LAG = 300.0
"""Listings are eventually consistent, says the documentation; in seconds."""


class GcpHarness(Harness):
    """Secrets with a prefix of the test's own, with the developer's login."""

    def __init__(self, project: str, url: str | None, prefix: str) -> None:
        settings = {"project_id": project, "prefix": prefix, **({"api_endpoint": url} if url else {})}
        self.entry = {"provider": "gcp_secretmanager", **settings}
        self.url = url
        self.written: set[str] = set()
        self.provider = GcpProvider(settings, Path())
        self.capabilities = self.provider.capabilities

    def clean(self) -> None:
        """Delete every secret: here that is for good."""
        left = {f"{self.entry['prefix']}{name}" for name in self.written}  # a list may not have heard of them yet
        while left := left | {info.name for info in self.provider.list(self.entry["prefix"])}:
            for name in left:
                with contextlib.suppress(SecretNotFound):
                    self.provider.delete(self.provider.path_of(name))
            left = set()
            time.sleep(0.1)
        self.provider.close()


class TestGcp(ProviderConformance):
    """Names are secrets."""

    impossible: ClassVar[dict[str, str]] = {
        "denied": "who tests with a login of their own does not take its rights away",
        "down": "nobody switches Google Cloud off",
        "throttled": "nobody uses up a quota that the project shares",
        "expired": "only Google lets its own tokens expire",
    }

    @pytest.fixture
    def harness(self, surroundings: dict[str, str], prefix: str) -> Iterator[Harness]:
        made = GcpHarness(surroundings["TACENDA_TEST_GCP_PROJECT"], surroundings.get("TACENDA_TEST_GCP_URL"), prefix)
        yield made
        made.clean()

    @pytest.fixture
    def store(self, opener: Any, harness: GcpHarness, settling: Callable[[Any, float], Any]) -> Any:
        store = settling(opener(), 0.0 if harness.url else LAG)
        harness.written = store.written
        return store
