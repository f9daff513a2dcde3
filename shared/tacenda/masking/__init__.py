"""Replacing secret values in output. Best effort and no boundary: it stops accidents, not intent.

Every value is registered with the process-wide `registry()` before the store hands it out, and the store
never removes one. This release masks what is passed to `Masker.mask` or written to a `Masker.stream`;
it does not yet put itself between a process and its output.
"""

from tacenda.masking._engine import Masker
from tacenda.masking._policy import NON_SECRET_KEYS, is_secret_key
from tacenda.masking._registry import registry
from tacenda.masking._stream import MaskStream

__all__ = ["NON_SECRET_KEYS", "MaskStream", "Masker", "is_secret_key", "registry"]
