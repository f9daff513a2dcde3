"""The fixtures of the core's tests serve here too."""

from core_fixtures import clock, python, shelf, shelf_store, workplace

__all__ = ["clock", "python", "shelf", "shelf_store", "workplace"]
