"""The forms in which a value shows up in output."""

from tacenda.masking._forms._variants import variants

__all__ = ["variants"]
