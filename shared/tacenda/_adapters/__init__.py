"""What the adapters share: whether they are wanted, and how they change an orchestrator without ever breaking it."""

from tacenda._adapters._activation import activate, problems
from tacenda._adapters._import_hook import when_imported
from tacenda._adapters._masking import known_masker, mask_output, masked_copy, masked_error, masked_text
from tacenda._adapters._outputs import refuse_output
from tacenda._adapters._patch import Patch
from tacenda._adapters._wanted import TACENDA_ADAPTERS, is_wanted

__all__ = [
    "TACENDA_ADAPTERS",
    "Patch",
    "activate",
    "is_wanted",
    "known_masker",
    "mask_output",
    "masked_copy",
    "masked_error",
    "masked_text",
    "problems",
    "refuse_output",
    "when_imported",
]
