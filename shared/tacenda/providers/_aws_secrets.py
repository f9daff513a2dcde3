"""Writing to Secrets Manager: which calls, in which order, so that nothing of another writer is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tacenda._errors import Conflict
from tacenda._values import SecretInfo
from tacenda.providers._aws_client import Answer
from tacenda.providers._aws_errors import DELETED, EXISTS, INVALID, MISSING
from tacenda.providers._aws_reads import Location, Reads
from tacenda.providers._aws_values import CURRENT, document, listed
from tacenda.providers._conflicts import exists_already, others_came_first

if TYPE_CHECKING:
    from tacenda.providers._aws_client import Client
    from tacenda.providers._base import Change, Document, Value

__all__ = ["Secrets"]

Fields = Mapping[str, Any]
"""A value as parameters."""

_WRITERS = 50  # how often another writer may come first before we give up
_OURS = "tacenda-update"
"""The staging label of a version that is about to become current. A label moves to the version that takes it next, so
there is never more than one, and a version that lost the race is left without any and deleted by AWS in time."""


class Secrets(Reads):
    """The operations.

    Args:
        client: returns the client.
        server: returns the service in a region, the configured one if None, as messages name it.
        options: returns options of the AWS CLI that lead to the same place, for hints.
        window: for how many days a deleted secret can be restored; None for AWS's 30.
    """

    def __init__(
        self,
        client: Callable[[], Client],
        server: Callable[[str | None], str],
        options: Callable[[str | None], str],
        window: int | None = None,
    ) -> None:
        super().__init__(client, server, options)
        self._window = {} if window is None else {"RecoveryWindowInDays": window}

    def create(self, at: Location, fields: Fields, tags: Mapping[str, str] | None = None) -> SecretInfo:
        """Make a secret.

        Raises:
            Conflict: if it exists, or waits for its deletion.
        """
        made = self._made(at, fields, tags)
        if made is None:
            raise exists_already(at.label)
        return made

    def write(self, at: Location, fields: Fields, tags: Mapping[str, str] | None = None) -> SecretInfo:
        """Write a new version, or the first one."""
        for _ in range(_WRITERS):
            answer = self._put(at, fields, CURRENT)
            if not answer.error:
                if tags:
                    self._call("tag_resource", at, "tag", SecretId=at.id, Tags=listed(tags))
                return _written(at, answer, tags)
            made = self._made(at, fields, tags)
            if made is not None:
                return made
        raise others_came_first(at.label, _WRITERS)

    def modify(self, at: Location, change: Change, encode: Callable[[Value], Fields]) -> SecretInfo:
        """Write what a change makes of the current version, again if another writer came first.

        The new version gets a staging label of ours. Only the move of AWSCURRENT to it, which AWS refuses if that is
        no longer where we have read it, puts it in force ("UpdateSecretVersionStage" of the API Reference).
        """
        for _ in range(_WRITERS):
            current = self._current(at)
            fields = encode(change(current))
            if current is None:
                made = self._made(at, fields)
                if made is not None:
                    return made
            answer = self._put(at, fields, _OURS)
            if not answer.error and self._in_force(at, answer, current):
                return _written(at, answer)
        raise others_came_first(at.label, _WRITERS)

    def delete(self, at: Location) -> None:
        """Mark a secret as deleted; `aws secretsmanager restore-secret` brings it back."""
        answer = self._call("delete_secret", at, "delete", expected=(MISSING, DELETED), SecretId=at.id, **self._window)
        if answer.error:
            raise self._missing(at, answer)

    def _current(self, at: Location) -> Document | None:
        answer = self._get(at)
        if answer.code == DELETED:
            raise self._in_the_way(at)
        return None if answer.error else document(answer.data)

    def _made(self, at: Location, fields: Fields, tags: Mapping[str, str] | None = None) -> SecretInfo | None:
        """Return the new secret, or None if it exists."""
        if not at.named:
            raise self._missing(at, Answer({}, MISSING))
        options = {"Tags": listed(tags)} if tags else {}
        answer = self._call("create_secret", at, "create", expected=(EXISTS, DELETED), Name=at.id, **options, **fields)
        if answer.code == DELETED:
            raise self._in_the_way(at)
        return None if answer.error else _written(at, answer, tags)

    def _put(self, at: Location, fields: Fields, label: str) -> Answer:
        """Return the answer to a new version with a staging label; or that there is no such secret."""
        answer = self._call(
            "put_secret_value",
            at,
            "write",
            expected=(MISSING, DELETED),
            SecretId=at.id,
            VersionStages=[label],
            **fields,
        )
        if answer.code == DELETED:
            raise self._in_the_way(at)
        return answer

    def _in_force(self, at: Location, put: Answer, previous: Document | None) -> bool:
        """Return whether a new version is the current one now; it is not if another writer came first."""
        if CURRENT in (put.data.get("VersionStages") or ()):  # the first version ever
            return True
        if previous is None:
            return False
        new = put.data["VersionId"]
        answer = self._stage(at, CURRENT, MoveToVersionId=new, RemoveFromVersionId=previous.version)
        if answer.error:
            return False
        self._stage(at, _OURS, RemoveFromVersionId=new)  # another writer may have it already, which is as well
        return True

    def _stage(self, at: Location, label: str, **move: Any) -> Answer:
        refused = (INVALID, "InvalidRequestException")
        operation = "update_secret_version_stage"
        return self._call(operation, at, "write", expected=refused, SecretId=at.id, VersionStage=label, **move)

    def _in_the_way(self, at: Location) -> Conflict:
        return Conflict(
            f"{at.label} was deleted, and keeps its name until it is gone for good",
            name=at.label,
            hint=f"get it back: {self._restore(at)}, then write it",
        )


def _written(at: Location, answer: Answer, tags: Mapping[str, str] | None = None) -> SecretInfo:
    return SecretInfo(at.label, "aws", answer.data.get("VersionId"), tags=dict(tags or {}))
