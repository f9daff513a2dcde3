"""The guard: which secrets are in something that is about to be persisted, whatever that is wrapped in."""

from tacenda.masking._guard._allowed import allow_leak, leak_allowed
from tacenda.masking._guard._leaks import find_leaks, refuse_leaks

__all__ = ["allow_leak", "find_leaks", "leak_allowed", "refuse_leaks"]
