"""Masking what a process and its children write: through a helper process, or by wrapping Python's streams."""

from tacenda.masking._output._install import install, status, uninstall

__all__ = ["install", "status", "uninstall"]
