"""A corner of the Secret Manager double for one test, and providers that lead there."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tacenda.providers import Document
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager


class GcpLab:
    """One project of the double that nobody else uses: every project exists there.

    Args:
        server: the double.
    """

    def __init__(self, server: GcpSecretManager) -> None:
        self.server = server
        self.project = f"example-{uuid.uuid4().hex[:8]}"
        self.operator = server.client()
        server.reset()

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a stack entry that lead here."""
        endpoint = self.server.endpoint if self.server.ca_cert else self.server.url
        return {"project_id": self.project, "api_endpoint": endpoint}

    def provider(self, **settings: Any) -> GcpProvider:
        """Return a provider on this project; a setting of None is left out."""
        chosen = {**self.settings, **settings}
        return GcpProvider({name: value for name, value in chosen.items() if value is not None}, Path())

    def name(self, secret: str, location: str | None = None) -> str:
        """Return the resource name of a secret here."""
        return f"{self.parent(location)}/secrets/{secret}"

    def parent(self, location: str | None = None) -> str:
        """Return the resource name of this project, or of a location in it."""
        return f"projects/{self.project}" + (f"/locations/{location}" if location else "")

    def create(self, secret: str, location: str | None = None, **fields: Any) -> Any:
        """Create a secret without a version, as Terraform does."""
        replication = {} if location else {"replication": {"automatic": {}}}
        request = {"parent": self.parent(location), "secret_id": secret, "secret": {**replication, **fields}}
        return self.operator.create_secret(request=request)

    def put(self, secret: str, *values: bytes, location: str | None = None, **fields: Any) -> None:
        """Create a secret with these versions, as `gcloud secrets create --data-file=-` does."""
        self.create(secret, location, **fields)
        for value in values:
            self.add(secret, value, location)

    def add(self, secret: str, value: bytes, location: str | None = None) -> None:
        """Add a version, as `gcloud secrets versions add --data-file=-` does."""
        request = {"parent": self.name(secret, location), "payload": {"data": value}}
        self.operator.add_secret_version(request=request)

    def get(self, secret: str) -> Any:
        """Return a secret's settings."""
        return self.operator.get_secret(name=self.name(secret))

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Yield what the double is asked meanwhile: the methods, and the requests for tokens."""
        del self.server.calls[:]
        asked: list[str] = []
        yield asked
        asked.extend(call.split(" ")[0] if not call.startswith(("GET", "POST")) else call for call in self.server.calls)


def value(document: Document) -> str:
    """Return a document's text."""
    assert isinstance(document.value, str)
    return document.value
