"""One secret with its versions, and what the service says of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Recovery", "Secret", "Version"]

_DAY = 86400


@dataclass(frozen=True)
class Recovery:
    """How long a vault keeps what was deleted, and whether it can be purged before."""

    days: int = 90
    purgeable: bool = True

    def attributes(self) -> dict[str, Any]:
        """Return what each secret's attributes say of it."""
        level = ("" if self.days == 90 else "Customized") + "Recoverable" + ("+Purgeable" if self.purgeable else "")
        return {"recoveryLevel": level, "recoverableDays": self.days}


@dataclass(repr=False)  # holds the value
class Version:
    """One version of a secret."""

    value: str
    content_type: str | None = None
    tags: dict[str, str] | None = None
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))
    updated: int = 0

    def __post_init__(self) -> None:
        self.updated = self.updated or self.created

    def update(self, content_type: str | None, tags: dict[str, str] | None, attributes: Mapping[str, Any]) -> None:
        """Change what is not the value; None leaves a thing as it is."""
        self.content_type = self.content_type if content_type is None else content_type
        self.tags = self.tags if tags is None else tags
        for key, setting in attributes.items():
            setattr(self, key, setting)
        self.updated = int(time.time())

    def describe(self, identifier: str, recovery: Recovery) -> dict[str, Any]:
        """Return everything but the value, as an entry of a list has it."""
        times = {"nbf": self.nbf, "exp": self.exp}
        entry: dict[str, Any] = {
            "id": identifier,
            "attributes": {
                "enabled": self.enabled,
                **{key: seconds for key, seconds in times.items() if seconds is not None},
                "created": self.created,
                "updated": self.updated,
                **recovery.attributes(),
            },
        }
        if self.content_type is not None:
            entry["contentType"] = self.content_type
        if self.tags is not None:
            entry["tags"] = self.tags
        return entry


@dataclass(repr=False)
class Secret:
    """All versions under one name, oldest first, and where in its life it is.

    Attributes:
        name: as it was first written.
        state: `active` or `deleted`; while `settles` is to come, the one it will be.
        settles: when the state is reached, by the monotonic clock.
        purged: it is on its way out for good.
    """

    name: str
    versions: list[Version] = field(default_factory=list)
    state: str = "active"
    settles: float = 0.0
    purged: bool = False
    deleted: int = 0

    @property
    def latest(self) -> Version:
        """The version that was made last, whether it is enabled or not."""
        return self.versions[-1]

    @property
    def settled(self) -> bool:
        """Whether the last deletion or recovery is through."""
        return time.monotonic() >= self.settles

    def move(self, state: str, seconds: float) -> None:
        """Enter a state, which takes some seconds."""
        self.state, self.settles = state, time.monotonic() + seconds
        if state == "deleted" and not self.purged:
            self.deleted = int(time.time())

    def entry(self, base: str, recovery: Recovery, version: Version | None = None) -> dict[str, Any]:
        """Return what is said of a version; of the newest one, under the name alone, if None."""
        identifier = f"{base}/secrets/{self.name}" + (f"/{version.id}" if version else "")
        return (version or self.latest).describe(identifier, recovery)

    def deleted_entry(self, base: str, recovery: Recovery, version: Version | None = None) -> dict[str, Any]:
        """Return the same for a deleted secret."""
        return {
            "recoveryId": f"{base}/deletedsecrets/{self.name}",
            "deletedDate": self.deleted,
            "scheduledPurgeDate": self.deleted + recovery.days * _DAY,
            **self.entry(base, recovery, version),
        }
