"""Every test starts with an empty registry."""

import pytest


@pytest.fixture(autouse=True)
def _alone(empty_registry):
    pass
