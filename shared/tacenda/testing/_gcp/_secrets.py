"""What a secret's settings may be: labels, annotations, aliases, expiry; and which of them an update may change."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import field_mask_pb2

from tacenda.testing._gcp._errors import invalid_argument
from tacenda.testing._gcp._store import StoredSecret

__all__ = ["check_id", "check_new", "update"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_LABEL_KEY = re.compile(r"[^\W\dA-Z_](?:[^\WA-Z]|-){0,62}")
_LABEL_VALUE = re.compile(r"(?:[^\WA-Z]|-){0,63}")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_MAX_LABELS = 64
_MAX_ALIASES = 50
_MAX_ANNOTATIONS = 16 * 1024
_CHANGEABLE = {
    "annotations",
    "customer_managed_encryption",
    "expire_time",
    "labels",
    "rotation",
    "topics",
    "ttl",
    "version_aliases",
    "version_destroy_ttl",
}


def check_id(secret_id: str) -> None:
    """Raise INVALID_ARGUMENT for an id that no secret may have."""
    if not _ID.fullmatch(secret_id):
        raise invalid_argument(
            f"The provided Secret ID [{secret_id}] does not match the expected format [[a-zA-Z_0-9-]+]"
        )


def check_new(message: Any, *, regional: bool) -> None:
    """Raise INVALID_ARGUMENT for settings that no new secret may have.

    Args:
        message: the secret's message.
        regional: True in a location, where a secret has no replication of its own.
    """
    if not regional and message.replication.WhichOneof("replication") is None:
        raise invalid_argument("Field [replication] is required.")
    if regional and message.HasField("replication"):
        raise invalid_argument("Field [replication] must not be set for a regional secret.")
    if message.replication.HasField("user_managed") and not message.replication.user_managed.replicas:
        raise invalid_argument("Field [replication.user_managed.replicas] is required.")
    _check(message, versions=0)


def update(secret: StoredSecret, request: Any) -> None:
    """Change the fields of a secret that the request's mask names.

    Args:
        secret: what is changed.
        request: an UpdateSecretRequest.
    """
    paths = [path for path in request.update_mask.paths if path != "etag"]
    if not paths:
        raise invalid_argument("Field [update_mask] is required.")
    for path in paths:
        if path.partition(".")[0] not in _CHANGEABLE:
            raise invalid_argument(f"Field [{path}] cannot be updated.")
    changed = type(secret.message)()
    changed.CopyFrom(secret.message)
    field_mask_pb2.FieldMask(paths=paths).MergeMessage(request.secret, changed, True, True)
    _check(changed, versions=len(secret.versions))
    secret.message.CopyFrom(changed)


def _check(message: Any, *, versions: int) -> None:
    if len(message.labels) > _MAX_LABELS:
        raise invalid_argument(f"No more than {_MAX_LABELS} labels are allowed.")
    for key, value in message.labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise invalid_argument(f"The label [{key}] or its value is not in a valid format.")
    if sum(len(text.encode()) for pair in message.annotations.items() for text in pair) > _MAX_ANNOTATIONS:
        raise invalid_argument(f"Annotations are larger than the limit of {_MAX_ANNOTATIONS} bytes.")
    _check_aliases(message.version_aliases, versions)
    if message.HasField("ttl"):  # it is given only; what is shown is when it ends
        seconds = message.ttl.ToTimedelta()
        message.expire_time.GetCurrentTime()
        message.expire_time.FromDatetime(message.expire_time.ToDatetime() + seconds)


def _check_aliases(aliases: Any, versions: int) -> None:
    if len(aliases) > _MAX_ALIASES:
        raise invalid_argument(f"No more than {_MAX_ALIASES} version aliases are allowed.")
    for alias, number in aliases.items():
        if not _ALIAS.fullmatch(alias) or alias == "latest":
            raise invalid_argument(f"The version alias [{alias}] is not in a valid format.")
        if not 1 <= number <= versions:
            raise invalid_argument(f"The version alias [{alias}] is for version [{number}], which does not exist.")
