"""Masking log records, warnings and uncaught exceptions before anybody renders them."""

from tacenda.masking._records._hooks import attach, detach

__all__ = ["attach", "detach"]
