"""The conformance kit: what every provider must do, as pytest tests that a provider's author subclasses.

Everything goes through the public store, so that retries, caching and the stack's rules are part of it. What a
provider declares that it cannot do must raise `Unsupported`; nothing is skipped.
"""

# ruff: noqa: E402 - assertions are rewritten before the modules that hold them are imported

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(  # a failing assertion then shows both sides
    *(f"{__name__}.{module}" for module in ("_base", "_faults", "_listing", "_missing", "_values", "_writing"))
)

from tacenda.testing._conformance._base import needs
from tacenda.testing._conformance._faults import FaultTests
from tacenda.testing._conformance._harness import Harness
from tacenda.testing._conformance._listing import ListingTests
from tacenda.testing._conformance._missing import MissingTests
from tacenda.testing._conformance._values import ValueTests
from tacenda.testing._conformance._writing import WritingTests

__all__ = ["Harness", "ProviderConformance", "needs"]


class ProviderConformance(ValueTests, MissingTests, WritingTests, ListingTests, FaultTests):
    """The kit. Subclass it in a test module and give it a `Harness`.

    Example::

        class TestMyProvider(ProviderConformance):
            impossible = {"throttled": "a directory has no quota", "expired": "a directory has no login"}

            @pytest.fixture
            def harness(self, tmp_path):
                return MyHarness(tmp_path)

    `impossible` names the faults (`denied`, `down`, `throttled`, `expired`) that the backend cannot have, each
    with the reason; their tests are not collected.
    """
