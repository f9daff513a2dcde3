"""Updating one secret safely, though AddSecretVersion takes no condition: a lease, and a look at version numbers.

1. Writers that update take turns. Whose turn it is stands in an annotation of the secret, which is changed by
   UpdateSecret with an entity tag: of several writers that see it free, one gets it. A lease that stays for
   `LEASE` seconds belongs to a writer that died; who waits measures that by its own clock, so clocks need not agree.
2. Versions are numbered one by one, and a number is read as it was written, while `latest` may lag behind for minutes
   (documentation: "Resource consistency"). So we look whether a newer one follows. If after that our version does not
   follow the one that was read, somebody wrote without a lease (`set`, gcloud): the change is made once more, upon
   what came between. For a moment the newest version was one without theirs, but nothing is lost.

It needs the permissions `secretmanager.secrets.get` and `.update` beside reading and adding versions.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from tacenda._errors import BackendUnavailable, Conflict, SecretError, SecretNotFound
from tacenda.providers._gcp_errors import is_destroyed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda._values import SecretInfo
    from tacenda.providers._base import Change, Document, Value
    from tacenda.providers._gcp_names import SecretName
    from tacenda.providers._gcp_payload import Payload
    from tacenda.providers._gcp_secrets import Secrets

__all__ = ["ANNOTATION", "modify"]

ANNOTATION = "tacenda-update"
"""The annotation that holds the lease: a random id of its holder."""
LEASE = 30.0
"""How long a lease that does not change is respected, in seconds."""
_WRITE = 10.0  # how long adding a version may take, in seconds
_FRESH = 15.0  # until when after taking the lease a version may be added: it must be there before the lease is over
_PATIENCE = 120.0  # how long we wait for our turn, in seconds
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 4.0  # between looks at the lease: reading settings has a small quota
_OTHERS = 20  # how often writers without a lease may come between


def modify(secrets: Secrets, at: SecretName, change: Change, encode: Callable[[Value], Payload]) -> SecretInfo:
    """Write what a change makes of a secret's latest version.

    Args:
        secrets: where it is.
        at: the secret; created if there is none.
        change: makes the new value of what there is.
        encode: makes the payload of a value.

    Raises:
        Conflict: if it is never our turn.
    """
    # Threads of one process wait here, not at the server.
    lock = secrets.client.locks.setdefault(at.resource, threading.Lock())
    with lock, _Lease(secrets, at, lambda: encode(change(None))) as lease:
        return _merge(secrets, at, lease, lambda document: encode(change(document)))


def _merge(
    secrets: Secrets, at: SecretName, lease: _Lease, changed: Callable[[Document | None], Payload]
) -> SecretInfo:
    document, number = _newest(secrets, at)
    for _ in range(_OTHERS):
        payload = changed(document)
        lease.hold()
        info = secrets.add(at, payload, timeout=_WRITE)
        written = int(info.version or 0)
        document = _between(secrets, at, number, written)
        if document is None:
            return info
        number = written
    raise Conflict(f"other writers of {at.label} came between {_OTHERS} times", name=at.label)


def _newest(secrets: Secrets, at: SecretName) -> tuple[Document | None, int]:
    """Return the newest version and its number; None and 0 if there is none."""
    document = _read(secrets, at, None)
    number = int(document.version or 0) if document else 0
    while newer := _read(secrets, at, str(number + 1)):
        document, number = newer, number + 1
    return document, number


def _between(secrets: Secrets, at: SecretName, before: int, after: int) -> Document | None:
    """Return the newest version between two others; None if there is none, or it is destroyed."""
    for number in range(after - 1, before, -1):
        try:
            return secrets.read(at, str(number))
        except SecretNotFound:
            continue
    return None


def _read(secrets: Secrets, at: SecretName, version: str | None) -> Document | None:
    """Return a version; None if there is none.

    Raises:
        SecretNotFound: if it is destroyed. Whether an older one is good again, its owner must say.
    """
    try:
        return secrets.read(at, version)
    except SecretNotFound as missing:
        if is_destroyed(missing):
            raise
    return None


class _Lease:
    """One writer's turn, as a context manager that waits for it.

    The client remembers the last id that it has put on a secret and not surely taken off: after an outage the same
    process goes on at once. Its own writers of a secret wait for each other, so whoever put it there is done.

    Args:
        secrets: where the secret is.
        at: the secret.
        first_value: called before the secret is created, so that it can object.
    """

    def __init__(self, secrets: Secrets, at: SecretName, first_value: Callable[[], object]) -> None:
        self._secrets, self._at, self._first_value = secrets, at, first_value
        self._secret: Any = None  # as it was when we last changed it
        self._id = ""
        self._taken = 0.0

    def __enter__(self) -> _Lease:
        ours = self._secrets.client.leases.get(self._at.resource)
        seen, since = "", 0.0
        began, wait = time.monotonic(), _FIRST_WAIT
        while True:
            secret = self._found()
            now = time.monotonic()
            if secret is None:
                self._first_value()
                free = True
            else:
                holder = secret.annotations.get(ANNOTATION, "")
                if holder != seen:
                    seen, since = holder, now
                free = holder in ("", ours) or now - since >= LEASE
            if free and self._put(secret, uuid.uuid4().hex):
                return self
            if now - began > _PATIENCE:
                raise Conflict(
                    f"{self._secrets.client.server}: others have been updating {self._at.label} for {_PATIENCE:.0f} s",
                    name=self._at.label,
                )
            time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - no secret
            wait = min(wait * 2, _LONGEST_WAIT)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an outage nobody else has a turn yet: a version that we have sent may still be written.
        if kind is None or not issubclass(kind, BackendUnavailable):
            with contextlib.suppress(SecretError):  # then who waits does so until the lease is over
                self._pass_on("")

    def hold(self) -> None:
        """Make sure that the lease holds for as long as adding a version takes."""
        if time.monotonic() - self._taken >= _FRESH and not self._pass_on(uuid.uuid4().hex):
            raise Conflict(f"this writer of {self._at.label} took too long, and another one came", name=self._at.label)

    def _found(self) -> Any:
        try:
            return self._secrets.get(self._at)
        except SecretNotFound:
            return None

    def _pass_on(self, holder: str) -> bool:
        """Put another id, or none, in the place of ours; return False if ours is there no more."""
        if self._put(self._secret, holder):
            return True
        secret = self._secrets.get(self._at)  # somebody changed a label meanwhile, or took the turn from us
        return secret.annotations.get(ANNOTATION) == self._id and self._put(secret, holder)

    def _put(self, secret: Any, holder: str) -> bool:
        """Put an id, or none, where the lease stands; return False if the secret has changed meanwhile.

        Args:
            secret: as it was last seen; None to create it.
            holder: the id; "" for none.
        """
        leases, resource = self._secrets.client.leases, self._at.resource
        if holder:
            leases[resource] = holder  # first, since a request without an answer may have been served
        taken = time.monotonic()  # the same: others can see it only later, so it is over for us first
        try:
            if secret is None:
                self._secret = self._secrets.create(self._at, annotations={ANNOTATION: holder})
            else:
                others = {key: value for key, value in secret.annotations.items() if key != ANNOTATION}
                annotations = {**others, ANNOTATION: holder} if holder else others
                self._secret = self._secrets.change(self._at, secret.etag, annotations=annotations)
        except Conflict:
            return False
        if not holder:
            leases.pop(resource, None)
        self._id, self._taken = holder, taken
        return True
