"""What the tests of leaks share: searching all that a run has left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import metaflow  # noqa: F401 - before any module of the adapter, which Metaflow loads itself
import pytest

from tacenda.masking import Masker, find_leaks


@pytest.fixture(scope="session")
def leaks_below() -> Callable[..., dict[str, list[str]]]:
    """Return a function that searches all files below a directory for values.

    It sees through Metaflow's gzip and pickles, cards' base64, and JSON; it returns which files hold which values.
    """

    def search(directory: Path, values: Iterable[str]) -> dict[str, list[str]]:
        masker = Masker()
        for value in values:
            masker.add(value, name=value)
        files = [path for path in directory.rglob("*") if path.is_file()]
        assert files, f"nothing is below {directory}"
        found = {str(path.relative_to(directory)): find_leaks(path.read_bytes(), masker=masker) for path in files}
        return {path: names for path, names in found.items() if names}

    return search
