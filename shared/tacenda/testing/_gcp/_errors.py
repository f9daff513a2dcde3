"""The refusals of Secret Manager, in its own words and with the details that it attaches.

Where the words are from is told in the docstring of `tacenda.testing.gcp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

__all__ = [
    "SERVICE",
    "Refused",
    "failed_precondition",
    "invalid_argument",
    "not_found",
    "permission_denied",
    "quota_exceeded",
    "unauthenticated",
]

SERVICE = "secretmanager.googleapis.com"

_CREDENTIAL_HELP = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        code: the gRPC status code.
        message: the service's message.
        details: the messages of `google.rpc` that are attached, such as ErrorInfo.
    """

    def __init__(self, code: grpc.StatusCode, message: str, *details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def status(self) -> bytes:
        """Return what goes into the trailing metadata `grpc-status-details-bin`."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        serialized: bytes = status.SerializeToString()
        return serialized


def invalid_argument(message: str) -> Refused:
    """Return INVALID_ARGUMENT."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def failed_precondition(message: str) -> Refused:
    """Return FAILED_PRECONDITION."""
    return Refused(grpc.StatusCode.FAILED_PRECONDITION, message)


def not_found(message: str) -> Refused:
    """Return NOT_FOUND."""
    return Refused(grpc.StatusCode.NOT_FOUND, message)


def permission_denied(permission: str, resource: str) -> Refused:
    """Return PERMISSION_DENIED for a permission on a resource, named as the request named it."""
    return Refused(
        grpc.StatusCode.PERMISSION_DENIED,
        f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).",
        _info("IAM_PERMISSION_DENIED", "iam.googleapis.com", {"permission": permission, "resource": resource}),
    )


def unauthenticated(reason: str, method: str) -> Refused:
    """Return UNAUTHENTICATED.

    Args:
        reason: CREDENTIALS_MISSING, ACCESS_TOKEN_EXPIRED or ACCESS_TOKEN_TYPE_UNSUPPORTED.
        method: the method that was called, such as `AccessSecretVersion`.
    """
    what = (
        "Request is missing required authentication credential."
        if reason == "CREDENTIALS_MISSING"
        else "Request had invalid authentication credentials."
    )
    full_method = f"google.cloud.secretmanager.v1.SecretManagerService.{method}"
    return Refused(
        grpc.StatusCode.UNAUTHENTICATED,
        f"{what} {_CREDENTIAL_HELP}",
        _info(reason, "googleapis.com", {"service": SERVICE, "method": full_method}),
    )


def quota_exceeded(metric: str, project: str, retry_after: float | None) -> Refused:
    """Return RESOURCE_EXHAUSTED.

    Args:
        metric: which requests were too many: `Access`, `Read` or `Write`.
        project: the project's number.
        retry_after: what to attach as RetryInfo, in seconds; nothing if None.
    """
    limit = f"{metric} requests per minute"
    consumer = f"project_number:{project}"
    metadata = {
        "service": SERVICE,
        "consumer": f"projects/{project}",
        "quota_metric": f"{SERVICE}/{metric.lower()}_requests",
        "quota_limit": f"{metric}RequestsPerMinutePerProject",
    }
    details: list[Any] = [_info("RATE_LIMIT_EXCEEDED", "googleapis.com", metadata)]
    if retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return Refused(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        f"Quota exceeded for quota metric '{metric} requests' and limit '{limit}' of service '{SERVICE}' "
        f"for consumer '{consumer}'.",
        *details,
    )


def _info(reason: str, domain: str, metadata: Mapping[str, str]) -> Any:
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
