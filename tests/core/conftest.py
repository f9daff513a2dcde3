"""The backend in memory stands beside the tests of the core; here it is put where Python finds it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "backend"))

from core_fixtures import clock, python, shelf, shelf_store, workplace

__all__ = ["clock", "python", "shelf", "shelf_store", "workplace"]
