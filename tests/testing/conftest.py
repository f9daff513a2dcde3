"""What the tests of one double share, over several files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tacenda.testing import AzureKeyVault, azure_key_vault


@pytest.fixture(scope="module")
def key_vault() -> Iterator[AzureKeyVault]:
    """A running double; its `sdk` is a logged-in client that repeats nothing."""
    with azure_key_vault() as running:
        running.sdk = running.client(retry_total=0)
        yield running
