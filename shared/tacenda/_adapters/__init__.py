"""What the adapters share: whether they are wanted, and how they change an orchestrator without ever breaking it."""

from tacenda._adapters._activation import activate, problems
from tacenda._adapters._import_hook import when_imported
from tacenda._adapters._patch import Patch
from tacenda._adapters._wanted import TACENDA_ADAPTERS, is_wanted

__all__ = ["TACENDA_ADAPTERS", "Patch", "activate", "is_wanted", "problems", "when_imported"]
