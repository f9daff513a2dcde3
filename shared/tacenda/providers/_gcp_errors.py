"""What Secret Manager's answers mean as tacenda errors. Nothing that was sent is repeated: requests hold values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import (
    AccessDenied,
    BackendUnavailable,
    Conflict,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
)
from tacenda.providers._asked import BUSY_FOR, UNREACHABLE_FOR, busy, strange, unanswered
from tacenda.providers._said import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from tacenda.providers._gcp_names import SecretName

__all__ = ["Asked", "failure", "is_destroyed", "unreadable"]

# How gRPC's own errors read; a status that the server sent has the server's words, in the same code UNAVAILABLE.
_NOT_REACHED = (
    r"connect|DNS|resolv|lookup|[Ss]ocket|[Hh]andshake|SSL|certificate|GOAWAY|Broken pipe|recvmsg|sendmsg|[Kk]eepalive"
)
_TLS = r"SSL|certificate|[Hh]andshake"
_DESTROYED = " is destroyed"  # no name has a space
_CORRUPTED = r"(?i)crc32c|checksum"


class Asked(NamedTuple):
    """What a request was about, for messages.

    Attributes:
        server: the server as `describe` names it.
        verb: what was to be done, such as `read`.
        at: the secret, or the place that secrets are in.
        identity: who asked, as far as the login tells.
    """

    server: str
    verb: str
    at: SecretName
    identity: str | None = None

    @property
    def name(self) -> str | None:
        """The secret's reference; None for a place."""
        return self.at.label if self.at.name else None

    @property
    def what(self) -> str:
        """The secret's reference, or the place."""
        return self.name or self.at.parent

    def __str__(self) -> str:
        return f"{self.server} cannot {self.verb} {self.what}"


def failure(error: Any, asked: Asked) -> SecretError:
    """Return the error that a `google.api_core.exceptions.GoogleAPICallError` means."""
    code = getattr(error.grpc_status_code, "name", "UNKNOWN")
    said = one_line(error.message)
    return _MEANINGS.get(code, _broken)(error, said, asked)


def unreadable(what: str, at: SecretName, number: str, state: str) -> SecretError | None:
    """Return the error that a version's state means for who wants its value; None if there is nothing wrong with it.

    Args:
        what: the beginning of the message.
        at: the secret.
        number: of the version.
        state: as the API spells it, such as `DISABLED`.
    """
    if state == "DESTROYED":
        return SecretNotFound(
            f"{what}: version {number}{_DESTROYED}, its value deleted for good",
            name=at.label,
            hint=f"see its versions: {at.command('versions list', at.name)}",
        )
    if state == "DISABLED":
        enable = at.command(f"versions enable {number}", f"--secret={at.name}")
        return AccessDenied(f"{what}: version {number} is disabled", name=at.label, hint=f"enable it: {enable}")
    return None


def is_destroyed(missing: SecretNotFound) -> bool:
    """Return whether what is missing is a version that was there."""
    return _DESTROYED in missing.message


def _not_found(_: Any, said: str, asked: Asked) -> SecretError:
    if not asked.at.name:
        return SecretNotFound(f"{asked}: {said}", hint="see the projects with `gcloud projects list`")
    return SecretNotFound(
        f"{asked}: {said} (what was deleted leaves no trace there)",
        name=asked.name,
        hint=f"see what there is: {asked.at.command('list')}; versions: "
        + asked.at.command("versions list", asked.at.name),
    )


def _precondition(_: Any, said: str, asked: Asked) -> SecretError:
    state = re.search(r"versions/(\w+)\] is in (\w+) state", said)
    refused = unreadable(str(asked), asked.at, state[1], state[2]) if state else None
    if refused:
        return refused
    if "etag" in said.lower():
        return Conflict(f"{asked}: somebody else changed it meanwhile", name=asked.name)
    return AccessDenied(f"{asked}: {said}", name=asked.name, hint=_describe(asked))


def _conflict(_: Any, said: str, asked: Asked) -> SecretError:
    return Conflict(f"{asked}: {said}", name=asked.name)


def _denied(error: Any, said: str, asked: Asked) -> SecretError:
    if getattr(error, "reason", None) == "SERVICE_DISABLED":
        enable = f"gcloud services enable secretmanager.googleapis.com --project={asked.at.project}"
        return AccessDenied(f"{asked}: the API is off in this project", hint=f"turn it on: `{enable}`")
    who = f" as {asked.identity}" if asked.identity else ""
    return AccessDenied(f"{asked}{who}: {said}", name=asked.name, hint=_describe(asked))


def _unauthenticated(_: Any, said: str, asked: Asked) -> SecretError:
    who = f" of {asked.identity}" if asked.identity else ""
    hint = "see whether `gcloud auth application-default print-access-token` works, and where api_endpoint leads"
    return AccessDenied(f"{asked}: the login{who} is refused: {said}", hint=hint)


def _throttled(error: Any, said: str, asked: Asked) -> SecretError:
    why, hint = f"refuses: too many requests ({said})", "see the quotas of the Secret Manager API in the Cloud console"
    return busy(Throttled, why, asked, hint=hint, retry_after=_delay(error))


def _unavailable(error: Any, said: str, asked: Asked) -> SecretError:
    if not re.search(_NOT_REACHED, said):
        why, hint = f"is not available ({said})", "see https://status.cloud.google.com"
        return busy(BackendUnavailable, why, asked, hint=hint, retry_after=_delay(error))
    hint = "check api_endpoint, the network and its proxy"
    if re.search(_TLS, said):
        hint = "name the certificate authority's file in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
    return unanswered(said, asked, hint=hint)


def _late(_: Any, said: str, asked: Asked) -> SecretError:
    return BackendUnavailable(
        f"{asked}: no answer in time ({said})", hint="see https://status.cloud.google.com", retry_for=BUSY_FOR
    )


def _invalid(_: Any, said: str, asked: Asked) -> SecretError:
    if re.search(_CORRUPTED, said):
        return BackendUnavailable(f"{asked}: it arrived changed: {said}", retry_for=UNREACHABLE_FOR)
    return InvalidReference(f"{asked}: {said}", name=asked.name)


def _stranger(_: Any, said: str, asked: Asked) -> SecretError:
    return strange("Secret Manager", asked, hint="check api_endpoint, and where it leads", said=said)


def _broken(error: Any, said: str, asked: Asked) -> SecretError:
    code = getattr(error.grpc_status_code, "name", "no code")
    return BackendUnavailable(f"{asked}: {code}: {said}", hint="see https://status.cloud.google.com")


def _describe(asked: Asked) -> str:
    if asked.at.name:
        return f"check with {asked.at.command('describe', asked.at.name)}, the roles with " + asked.at.command(
            "get-iam-policy", asked.at.name
        )
    return f"check with {asked.at.command('list')}"


def _delay(error: Any) -> float | None:
    """Return the wait that the server asked for (`google.rpc.RetryInfo`), in seconds."""
    for detail in error.details or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None


_MEANINGS: dict[str, Callable[[Any, str, Asked], SecretError]] = {
    "ABORTED": _conflict,
    "ALREADY_EXISTS": _conflict,
    "DEADLINE_EXCEEDED": _late,
    "FAILED_PRECONDITION": _precondition,
    "INVALID_ARGUMENT": _invalid,
    "NOT_FOUND": _not_found,
    "PERMISSION_DENIED": _denied,
    "RESOURCE_EXHAUSTED": _throttled,
    "UNAUTHENTICATED": _unauthenticated,
    "UNAVAILABLE": _unavailable,
    "UNIMPLEMENTED": _stranger,
}
