"""The guard: which secrets are in something that is about to be persisted, whatever that is wrapped in."""

from tacenda.masking._guard._leaks import find_leaks, refuse_leaks

__all__ = ["find_leaks", "refuse_leaks"]
