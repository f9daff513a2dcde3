"""The fixtures of the core's tests serve here too."""

from core_fixtures import clock, python, python_failing, shelf, shelf_store, workplace

__all__ = ["clock", "python", "python_failing", "shelf", "shelf_store", "workplace"]
