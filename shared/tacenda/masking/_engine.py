"""The masker: which values are registered, and replacing them in text and bytes.

Every run of bytes that any form of any registered value covers is replaced by one token, so that overlapping,
nested and adjoining secrets leave no tail behind.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

from tacenda.masking._forms import variants
from tacenda.masking._matching import PatternSet
from tacenda.masking._policy import MIN_LENGTH, why_not_masked
from tacenda.masking._spans import Span, union
from tacenda.masking._stream import MaskStream

if TYPE_CHECKING:
    from collections.abc import KeysView

__all__ = ["Follower", "Masker"]


class Follower(Protocol):
    """What is told of every value a masker takes or drops, before `add` returns: the helper process."""

    def add(self, value: bytes, name: str) -> None:
        """Take a value that is masked from now on."""

    def remove(self, value: bytes) -> None:
        """Drop a value that is no longer masked."""


class _Registered(NamedTuple):
    name: str
    times: int


class Masker:
    """Replaces registered values, in all their forms, by a token of fixed length. Thread-safe.

    Args:
        token: what stands in for a value. Not `***`, which Metaflow's console takes for markup.
        min_length: values with fewer characters are not masked; one warning names the secret.

    Example:
        >>> masker = Masker()
        >>> masker.add("example-token", name="api-keys")
        >>> masker.mask("Bearer example-token")
        'Bearer [masked]'
    """

    def __init__(self, token: str = "[masked]", min_length: int = MIN_LENGTH) -> None:
        self._token = token.encode()
        self._min_length = min_length
        self._patterns = PatternSet()
        self.find = self._patterns.find
        """Returns every occurrence of every form of a value in a buffer, in no order."""
        self.partial = self._patterns.partial
        """Returns where the longest end of a buffer starts that may begin a value; the buffer's length if none does."""
        self._values: dict[bytes, _Registered] = {}
        self._owners: dict[bytes, tuple[bytes, ...]] = {}  # pattern: the values it is a form of
        self._followers: tuple[Follower, ...] = ()
        self._warned: set[str] = set()
        self.reset_lock()

    def __repr__(self) -> str:
        return f"<Masker of {len(self._values)} values>"

    def __len__(self) -> int:
        return len(self._values)

    def reset_lock(self) -> None:
        """Make a fresh lock: another thread may have held it when this process was forked."""
        self._lock = threading.RLock()

    def add(self, value: str | bytes, name: str | None = None) -> None:
        """Register a value; registering it again counts, and `remove` counts back.

        Args:
            value: the secret. Empty values are never registered.
            name: the secret's name, for warnings and for `find_leaks`.

        Raises:
            SecretLeak: if a follower cannot mask it; no frame of the traceback holds the value then.
        """
        if not value:
            return
        name = name or "a secret"
        if reason := why_not_masked(value, self._min_length):
            self._warn(name, reason)
            return
        try:
            self._take(_encoded(value), name)
        except BaseException as error:  # noqa: BLE001 - it is raised again
            del value
            raise error.with_traceback(None)  # noqa: B904 - and does without the frames that hold the value

    def remove(self, value: str | bytes) -> None:
        """Take back one `add` of a value; unknown values are ignored."""
        data = _encoded(value)
        with self._lock:
            known = self._values.get(data)
            if known is None:
                return
            if known.times > 1:
                self._values[data] = known._replace(times=known.times - 1)
                return
            del self._values[data]
            for pattern in variants(data, self._min_length):
                self._disown(pattern, data)
            for follower in self._followers:
                follower.remove(data)

    def follow(self, follower: Follower) -> None:
        """Tell a follower of every value, those known already first; one that follows already is told those again."""
        try:
            self._tell(follower)
        except BaseException as error:  # noqa: BLE001 - as in `add`
            raise error.with_traceback(None)  # noqa: B904 - as in `add`

    def unfollow(self, follower: Follower) -> None:
        """Tell a follower no longer."""
        with self._lock:
            self._followers = tuple(kept for kept in self._followers if kept is not follower)

    @overload
    def mask(self, data: str) -> str: ...
    @overload
    def mask(self, data: bytes) -> bytes: ...
    def mask(self, data: str | bytes) -> str | bytes:
        """Return text or bytes with every occurrence of every form of a registered value replaced."""
        buffer = _encoded(data)
        found = self.find(buffer)
        if not found:
            return data
        masked = bytearray()
        end = 0
        for start, stop in union(found):
            masked += buffer[end:start]
            masked += self._token
            end = stop
        masked += buffer[end:]
        return _decoded(bytes(masked)) if isinstance(data, str) else bytes(masked)

    def holds(self, data: str | bytes) -> bool:
        """Return whether text or bytes hold any form of a registered value."""
        return bool(self.find(_encoded(data)))

    def stream(self) -> MaskStream:
        """Return a stream that masks bytes written in any chunking."""
        return MaskStream(self)

    def spans(self, buffer: bytes) -> list[Span]:
        """Return the runs of bytes that registered values cover, in order, apart from each other."""
        return union(self.find(buffer))

    def names(self, buffer: bytes) -> list[str]:
        """Return the names of the secrets that a buffer holds in any form, sorted, each once."""
        values = {value for start, stop in self.find(buffer) for value in self._owners.get(buffer[start:stop], ())}
        return sorted({known.name for value in values if (known := self._values.get(value))})

    @property
    def longest(self) -> int:
        """The length of the longest form of a registered value, in bytes."""
        return self._patterns.longest

    @property
    def min_length(self) -> int:
        """Values with fewer characters are not masked."""
        return self._min_length

    @property
    def token(self) -> bytes:
        """What stands in for a value."""
        return self._token

    def values(self) -> KeysView[bytes]:
        """Return the registered values, for a follower that starts late."""
        return self._values.keys()

    def _take(self, data: bytes, name: str) -> None:
        with self._lock:
            known = self._values.get(data)
            if known is None:
                for pattern in variants(data, self._min_length):
                    owners = self._owners.get(pattern, ())
                    if data not in owners:  # it is when a follower failed, and this is another try
                        self._owners[pattern] = (*owners, data)
                    self._patterns.add(pattern)
                for follower in self._followers:
                    follower.add(data, name)
            self._values[data] = known._replace(times=known.times + 1) if known else _Registered(name, 1)

    def _tell(self, follower: Follower) -> None:
        with self._lock:
            for value, known in self._values.items():
                follower.add(value, known.name)
            self.unfollow(follower)
            self._followers = (*self._followers, follower)

    def _disown(self, pattern: bytes, value: bytes) -> None:
        owners = tuple(owner for owner in self._owners.get(pattern, ()) if owner != value)
        if owners:
            self._owners[pattern] = owners
        else:
            self._owners.pop(pattern, None)
            self._patterns.discard(pattern)

    def _warn(self, name: str, reason: str) -> None:
        import logging  # costs a cold process 10 ms

        if name in self._warned:
            return
        self._warned.add(name)
        logging.getLogger("tacenda.masking").warning("%s %s and is not masked", name, reason)


def _encoded(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def _decoded(masked: bytes) -> str:
    try:
        return masked.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a binary value began or ended inside a character
        return masked.decode("utf-8", "replace")
