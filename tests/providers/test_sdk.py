"""Loading a backend's SDK: what is not installed is told, and the garbage collector is left as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tacenda.errors import MissingDependency
from tacenda.providers._sdk import collector_resting, load_sdk


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_not_installed() -> None:
    """The package that is missing is named, and the extra that brings it."""
    with pytest.raises(MissingDependency, match="example_sdk") as caught:
        load_sdk("example_sdk.client", backend="example", extra="aws")
    assert "tacenda[aws]" in str(caught.value.hint)
    assert gc.isenabled()


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was(collects: bool) -> None:
    """It rests inside, also where the work fails; a program that has switched it off finds it off."""
    if not collects:
        gc.disable()

    @collector_resting()
    def fails() -> None:
        raise OSError(f"collects: {gc.isenabled()}")

    with pytest.raises(OSError, match="collects: False"):
        fails()
    assert gc.isenabled() is collects


def test_what_was_made_is_old() -> None:
    """It is not looked through at once; and it is not lost to the collector for good."""
    with collector_resting():
        made: list[list[None]] = [[] for _ in range(1000)]
    assert gc.is_tracked(made)
    assert not any(found is made for found in gc.get_objects(generation=0))
    assert any(found is made for found in gc.get_objects(generation=2))


def test_what_a_program_has_frozen_stays_frozen() -> None:
    """A server that froze its objects before it forks keeps them apart."""
    gc.freeze()
    frozen = gc.get_freeze_count()
    with collector_resting():
        pass
    assert gc.get_freeze_count() >= frozen - 100  # some have died
