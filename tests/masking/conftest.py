"""What other tests have read is masked in theirs."""

import pytest

from tacenda.masking import registry


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch):
    monkeypatch.setattr(registry(), "_counts", {})
    monkeypatch.setattr(registry(), "_warned", set())
