"""What an adapter does with what its orchestrator prints, keeps or sends: nothing, as long as no secret is known.

Nothing is imported to find that out. Used by every adapter but Metaflow's.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacenda.masking import Masker

__all__ = ["known_masker", "mask_output", "masked_copy", "masked_error", "masked_text"]

_INJECTED, _PLAIN = "TACENDA_INJECTED", "TACENDA_INJECTED_PLAIN"
"""As in `_naming`, which is not imported for this."""


def known_masker() -> Masker | None:
    """Return the process-wide masker if it knows a secret."""
    masking = sys.modules.get("tacenda.masking")  # where it is not imported, nobody has read a secret
    registry = getattr(masking, "registry", None)  # another thread may be importing it right now
    masker: Masker | None = registry() if registry else None
    return masker if masker is not None and len(masker) else None


def mask_output() -> None:
    """Mask the output of this process, and of those that it starts, from its first secret on: a run begins.

    What `tacenda run`, or another process of ours, has put into the environment is known from now on, too.
    """
    plain = os.environ.get(_PLAIN, "").split(",")
    names = [name for name in os.environ.get(_INJECTED, "").split(",") if name in os.environ and name not in plain]
    if names:
        from tacenda._register import register

        register({name: os.environ[name] for name in names}, "the environment")
    if os.environ.setdefault("TACENDA_MASKING", "1") == "1" and known_masker():  # read before the run
        from tacenda.masking import install

        install()


def masked_text(value: Any) -> Any:
    """Return a text masked; anything else as it is."""
    masker = known_masker()
    return masker.mask(str(value)) if masker is not None and isinstance(value, str) else value


def masked_copy(value: Any) -> Any:
    """Return a value itself, or, if it holds a secret, a masked copy of the same shape."""
    masker = known_masker()
    if masker is None or value is None:
        return value
    from tacenda.masking._records import _copies

    return _copies.masked_copy(value, masker)


def masked_error(error: Any) -> Any:
    """Return an exception, or what stands in for it with every value masked; None stays None."""
    masker = known_masker()
    if masker is None or error is None:
        return error
    from tacenda.masking._records._exceptions import masked_exception

    return masked_exception(error, masker)
