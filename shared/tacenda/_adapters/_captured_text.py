"""Masking text that an orchestrator captures piece by piece, before it reaches the output that is masked."""

from __future__ import annotations

import codecs
import threading
from typing import Any

__all__ = ["CapturedText"]


class CapturedText:
    """Masks what is printed, also a value that comes in several writes, from any thread."""

    def __init__(self) -> None:
        from tacenda.masking import registry

        self._mask = registry().stream()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._lock = threading.Lock()

    def write(self, text: str) -> str:
        """Return what of the text so far is decided; what may be the beginning of a value is held back."""
        with self._lock:
            return self._decode(self._mask.write(text.encode("utf-8", "surrogatepass")))

    def release(self) -> str:
        """Return what was held back: it is sent now, and a value that goes on later is still recognized."""
        with self._lock:
            return self._decode(self._mask.pause())

    @classmethod
    def of(cls, owner: Any, name: str = "_tacenda_text") -> CapturedText:
        """Return the text of an object that captures, made on its first use."""
        # In one step: of two threads that write at once, both must get the same.
        text: CapturedText = vars(owner).get(name) or vars(owner).setdefault(name, cls())
        return text
