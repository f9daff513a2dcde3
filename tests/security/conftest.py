"""The backend in memory stands beside the tests of the core; here it is put where Python finds it."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "core" / "backend"), str(Path(__file__).parent)]

from core_fixtures import clock, python, shelf, shelf_store, workplace  # noqa: E402

__all__ = ["clock", "python", "shelf", "shelf_store", "workplace"]
