"""Reading from Secrets Manager: one secret, several, what is known about one, and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tacenda._errors import SecretError, SecretNotFound
from tacenda.providers._asked import Asked
from tacenda.providers._aws_batch import matched
from tacenda.providers._aws_errors import DELETED, DENIED, MISSING, malformed, refusal
from tacenda.providers._aws_values import document, information, versioned

if TYPE_CHECKING:
    from tacenda._values import SecretInfo
    from tacenda.providers._aws_client import Answer, Client
    from tacenda.providers._base import Document

__all__ = ["Location", "Reads"]

_PAGE = 100
_PROBE = "tacenda-check"


class Location(NamedTuple):
    """Where a secret is.

    Attributes:
        id: its name or ARN.
        region: an ARN's region; None for the configured one.
        label: its reference, for messages.
    """

    id: str
    region: str | None
    label: str

    @property
    def named(self) -> bool:
        """Whether it is known by its name, so that it can be made."""
        return not self.id.startswith("arn:")


class Reads:
    """What can be asked for; each time once.

    Args:
        client: returns the client.
        server: returns the service in a region, the configured one if None, as messages name it.
        options: returns options of the AWS CLI that lead to the same place, for hints.
    """

    def __init__(
        self, client: Callable[[], Client], server: Callable[[str | None], str], options: Callable[[str | None], str]
    ) -> None:
        self._client = client
        self._server = server
        self._options = options

    def read(self, at: Location, version: str | None = None) -> Document:
        """Return a secret: one request."""
        answer = self._get(at, version)
        if answer.error:
            raise self._missing(at, answer, version)
        found = document(answer.data)
        if found is None:
            raise malformed(self._asked(at, "read"))
        return found

    def read_many(self, places: Sequence[Location]) -> dict[str, Document | SecretError]:
        """Return what a batch has of secrets of one region, by names and ARNs as asked; AWS may end it early.

        Raises:
            AccessDenied: without the grant for batches.
        """
        by_id, region = {at.id: at for at in places}, places[0].region
        asked = Asked(self._server(region), "read", f"{len(by_id)} secrets in one call")
        answer = self._client().call("batch_get_secret_value", asked, region=region, SecretIdList=[*by_id]).data
        read = {asked_for: document(entry) for asked_for, entry in matched(by_id, answer).items()}
        found: dict[str, Document | SecretError] = {name: one for name, one in read.items() if one is not None}
        for error in answer.get("Errors", ()):
            at = by_id.get(error.get("SecretId", ""))
            if at is not None:
                found[at.id] = refusal(str(error.get("ErrorCode")), str(error.get("Message")), self._asked(at, "read"))
        return found

    def info(self, at: Location, version: str | None = None) -> SecretInfo:
        """Return version, times and tags; a version without a staging label needs a second request."""
        answer = self._call("describe_secret", at, "describe", expected=(MISSING,), SecretId=at.id)
        if answer.error:
            raise self._missing(at, answer)
        if answer.data.get("DeletedDate"):
            raise self._deleted(at)
        found = information(at.label, answer.data, version) or self._unlabelled(at, answer.data, version)
        if found is None:
            raise self._missing(at, answer, version)
        return found

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the secrets whose names start with a prefix, page by page as far as they are asked for."""
        filters: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [prefix]}]} if prefix else {}
        hint = f"`aws secretsmanager list-secrets{self._options(None)}`"
        asked = Asked(self._server(None), "list", f"secrets {prefix}*", hint)
        page: dict[str, Any] = {}
        while True:
            answer = self._client().call("list_secrets", asked, MaxResults=_PAGE, **filters, **page)
            for told in answer.data.get("SecretList", ()):
                info = information(told.get("Name", ""), told)
                if info is not None and info.name.startswith(prefix) and not told.get("DeletedDate"):
                    yield info
            if not answer.data.get("NextToken"):
                return
            page = {"NextToken": answer.data["NextToken"]}

    def check(self) -> None:
        """Raise unless Secrets Manager answers and knows us; no grant is needed, and no secret is read."""
        at = Location(_PROBE, None, "whether it is there")
        self._call("describe_secret", at, "ask", expected=(MISSING, DENIED, DELETED), SecretId=at.id)

    def _get(self, at: Location, version: str | None = None) -> Answer:
        return self._call(
            "get_secret_value", at, "read", expected=(MISSING, DELETED), SecretId=at.id, **versioned(version)
        )

    def _unlabelled(self, at: Location, told: Mapping[str, Any], version: str | None) -> SecretInfo | None:
        if "VersionId" not in versioned(version):
            return None
        page: dict[str, Any] = {}
        while True:
            answer = self._call(
                "list_secret_version_ids", at, "list the versions of", SecretId=at.id, IncludeDeprecated=True, **page
            )
            if any(found.get("VersionId") == version for found in answer.data.get("Versions", ())):
                return information(at.label, {**told, "VersionIdsToStages": {version: ()}}, version)
            if not answer.data.get("NextToken"):
                return None
            page = {"NextToken": answer.data["NextToken"]}

    def _call(
        self, operation: str, at: Location, verb: str, expected: tuple[str, ...] = (), **parameters: Any
    ) -> Answer:
        asked = self._asked(at, verb)
        return self._client().call(operation, asked, region=at.region, expected=expected, **parameters)

    def _asked(self, at: Location, verb: str) -> Asked:
        who = f"`aws sts get-caller-identity{self._options(at.region)}`"
        hint = f"see who you are: {who}, and what is there: `aws secretsmanager describe-secret{self._id_option(at)}`"
        return Asked(self._server(at.region), verb, at.label, hint)

    def _missing(self, at: Location, answer: Answer, version: str | None = None) -> SecretNotFound:
        if answer.code == DELETED:
            return self._deleted(at)
        what = f"{at.id!r}" if version is None else f"{at.id!r} in version {version!r}"
        look = f"list-secret-version-ids{self._id_option(at)}" if version else f"list-secrets{self._options(at.region)}"
        hint = f"see what there is: `aws secretsmanager {look}`"
        return SecretNotFound(f"{self._server(at.region)} has no secret {what}", name=at.label, hint=hint)

    def _deleted(self, at: Location) -> SecretNotFound:
        what = f"{self._server(at.region)}: {at.id!r} was deleted, and can still be restored"
        return SecretNotFound(what, name=at.label, hint=f"get it back: {self._restore(at)}")

    def _restore(self, at: Location) -> str:
        return f"`aws secretsmanager restore-secret{self._id_option(at)}`"

    def _id_option(self, at: Location) -> str:
        return f" --secret-id {at.id}{self._options(at.region)}"
