"""The values that a step knows, for the process that makes its card: by memory, never by argument, variable or file."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tacenda._adapters import known_masker

if TYPE_CHECKING:
    from tacenda.masking import Masker

__all__ = ["masker_of_card", "shared_values"]

_WHERE = "TACENDA_CARD_VALUES"
"""The variable that tells the process where the values are."""

_SHARED: dict[int, int] = {}
"""By number of values: a file in memory that holds them. A process that runs in the background may read an old one."""


def shared_values() -> dict[str, str]:
    """Return the variable that leads to the values known here; nothing if there are none, or outside Linux.

    Only this user's processes can open what it names, and they could read this process's memory anyway.
    """
    masker = known_masker()
    if masker is None or not hasattr(os, "memfd_create"):
        return {}
    values = list(masker.values())
    if len(values) not in _SHARED:
        _SHARED[len(values)] = descriptor = os.memfd_create("tacenda")
        with open(descriptor, "wb", closefd=False) as file:
            file.write(b"\n".join(map(base64.b64encode, values)))
    return {_WHERE: f"/proc/{os.getpid()}/fd/{_SHARED[len(values)]}"}


def masker_of_card() -> Masker | None:
    """Return what masks a card that is saved: it knows the values of the step and of this process.

    Raises:
        OSError: if the step's values cannot be read; then there is no card.
    """
    where = os.environ.get(_WHERE)
    if not where:
        return known_masker()
    from tacenda.masking import Masker, registry

    masker = Masker()
    values = [base64.b64decode(line) for line in Path(where).read_bytes().splitlines()]
    for value in [*values, *registry().values()]:
        masker.add(value)
    return masker
