"""What AWS's answers, and botocore's own exceptions, mean as tacenda errors. Nothing that was sent is repeated.

Codes and not HTTP statuses say what happened: "Common Errors" and "GetSecretValue: Errors" of the Secrets Manager API
Reference, "Retry behavior" of the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from tacenda._errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    Conflict,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers._asked import UNREACHABLE_FOR, Asked, busy, strange, unanswered
from tacenda.providers._said import one_line, seconds

__all__ = [
    "DELETED",
    "DENIED",
    "EXISTS",
    "INVALID",
    "MISSING",
    "code_of",
    "failure",
    "malformed",
    "of_sdk",
    "refusal",
    "refused_login",
]

MISSING = "ResourceNotFoundException"
EXISTS = "ResourceExistsException"
DENIED = "AccessDeniedException"
INVALID = "InvalidParameterException"
DELETED = "(deleted)"
"""Our own code for an InvalidRequestException that says that the secret waits for its deletion."""

_DELETED = r"marked (for deletion|deleted)|scheduled for deletion"
_USERINFO = r"//[^/@\s]*@"
_TOKENS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidToken",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
_CODES: tuple[tuple[type[SecretError], frozenset[str]], ...] = (
    (
        Throttled,
        frozenset(
            {
                "BandwidthLimitExceeded",
                "PriorRequestNotComplete",
                "RequestLimitExceeded",
                "RequestThrottled",
                "RequestThrottledException",
                "SlowDown",
                "ThrottledException",
                "Throttling",
                "ThrottlingException",
                "TooManyRequestsException",
            }
        ),
    ),
    (
        AccessDenied,
        _TOKENS
        | {
            DENIED,
            "AccessDenied",
            "DecryptionFailure",
            "EncryptionFailure",
            "IDPRejectedClaim",
            "IncompleteSignature",
            "InvalidIdentityToken",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "NotAuthorized",
            "OptInRequired",
            "RegionDisabledException",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnauthorizedOperation",
        },
    ),
    (SecretNotFound, frozenset({MISSING, DELETED})),
    (Conflict, frozenset({EXISTS, "PreconditionNotMetException"})),
    (InvalidReference, frozenset({INVALID, "InvalidParameterValue", "ValidationException", "ValidationError"})),
    (Unsupported, frozenset({"LimitExceededException", "InvalidRequestException"})),
)
_KINDS = {code: kind for kind, codes in _CODES for code in codes}
_READERS = ("botocore.parsers", "botocore.endpoint")
"""Where botocore falls over JSON that is none of AWS's, such as a list, with an AttributeError or a TypeError."""
_MESSAGE_IS_OURS = (AccessDenied, SecretNotFound, Conflict, Unsupported)
"""Whose messages are about names and identities; that of a validation might repeat what was sent."""


def code_of(error: BaseException) -> str | None:
    """Return AWS's error code, `DELETED` for a deleted secret; None if AWS did not answer."""
    told = _told(error)
    return _spelled(str(told.get("Code")), str(told.get("Message"))) if told else None


def refused_login(error: BaseException) -> bool:
    """Return whether AWS does not know our credentials (any more), so that new ones may help."""
    return code_of(error) in _TOKENS


def of_sdk(error: BaseException) -> bool:
    """Return whether an exception is botocore's or the system's, and no bug of ours; they have no base in common."""
    if isinstance(error, SecretError):
        return False
    known = isinstance(error, (OSError, ValueError)) or type(error).__module__.startswith("botocore")
    return known or _raised_in(error) in _READERS


def failure(error: BaseException, asked: Asked) -> SecretError:
    """Return the error that an exception of botocore means."""
    code = code_of(error)
    if code is None:
        return _unanswered(error, asked)
    response: dict[str, Any] = getattr(error, "response", {})
    metadata = response.get("ResponseMetadata") or {}
    return refusal(
        code,
        str(_told(error).get("Message") or ""),
        asked._replace(verb=_step(error, asked)),
        status=int(metadata.get("HTTPStatusCode") or 0),
        retry_after=seconds((metadata.get("HTTPHeaders") or {}).get("retry-after")),
    )


def refusal(
    code: str, said: str, asked: Asked, *, status: int = HTTPStatus.BAD_REQUEST, retry_after: float | None = None
) -> SecretError:
    """Return the error for a code and message of AWS.

    Args:
        code: the code, such as `AccessDeniedException`.
        said: the message.
        asked: what the call was about.
        status: the HTTP status.
        retry_after: the wait that AWS asked for, in seconds.
    """
    kind = _KINDS.get(_spelled(code, said))
    if kind is Throttled or status == HTTPStatus.TOO_MANY_REQUESTS:
        hint = "see the quotas with `aws service-quotas list-service-quotas --service-code secretsmanager`"
        return busy(Throttled, f"refuses: too many requests ({code})", asked, hint=hint, retry_after=retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"is not available ({code}, HTTP status {status})"
        hint = "see https://health.aws.amazon.com/health/status"
        return busy(BackendUnavailable, why, asked, hint=hint, retry_after=retry_after)
    if code.isdigit():  # botocore's code for an answer that is not AWS's, such as a proxy's page
        return malformed(asked)
    kind = kind or BackendUnavailable
    why = one_line(said, 500) if kind in _MESSAGE_IS_OURS else ""
    return kind(f"{asked.server} cannot {asked.verb} {asked.what}: {why or code}", hint=_hint(code, said) or asked.hint)


def malformed(asked: Asked) -> BackendUnavailable:
    """Return the error for an answer that Secrets Manager does not give: something else listens there."""
    return strange("AWS", asked, hint="check endpoint_url (AWS_ENDPOINT_URL), and the proxy if there is one")


def _unanswered(error: BaseException, asked: Asked) -> SecretError:
    from botocore import exceptions, parsers

    name = type(error).__name__
    if isinstance(error, parsers.ResponseParserError) or not isinstance(error, exceptions.BotoCoreError):
        return malformed(asked)
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        hint = "check the network, the region and endpoint_url (AWS_ENDPOINT_URL)"
        if isinstance(error, exceptions.SSLError):
            hint = "name the certificate authority's file in AWS_CA_BUNDLE"
        return unanswered(re.sub(_USERINFO, "//", str(error)), asked, hint=hint)
    if isinstance(error, (exceptions.MetadataRetrievalError, exceptions.CredentialRetrievalError)):
        # What the source of credentials answered may hold some, so it is not repeated.
        return BackendUnavailable(
            f"{asked.server}: credentials cannot be fetched to {asked.verb} {asked.what} ({name})",
            hint="check where they come from with `aws sts get-caller-identity`",
            retry_for=UNREACHABLE_FOR,
        )
    if "SSO" in name or "Token" in name or "Login" in name:
        return AccessDenied(
            f"{asked.server} cannot {asked.verb} {asked.what}: the login of the AWS CLI is over",
            hint="log in again: `aws sso login`, with `--profile NAME` if a profile is set",
        )
    return ConfigurationError(f"aws: {error}", hint="see `aws configure list`, and the settings region and profile")


def _raised_in(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__")) if trace is not None else ""


def _told(error: BaseException) -> dict[str, Any]:
    response = getattr(error, "response", None)
    return (response.get("Error") or {}) if isinstance(response, dict) else {}


def _spelled(code: str, said: str) -> str:
    return DELETED if code == "InvalidRequestException" and re.search(_DELETED, said) else code


def _step(error: BaseException, asked: Asked) -> str:
    operation = str(getattr(error, "operation_name", ""))
    return f"{asked.verb} (at {operation})" if operation.startswith(("AssumeRole", "GetRole")) else asked.verb


def _hint(code: str, said: str) -> str | None:
    if code == "DecryptionFailure" or "kms" in said.lower():
        return "allow kms:Decrypt on the secret's key: `aws kms describe-key --key-id KEY`"
    if code in ("RequestExpired", "InvalidSignatureException") and ("expired" in said or "not yet" in said):
        return "set this machine's clock"
    return "see who you are with `aws sts get-caller-identity`, and log in anew" if code in _TOKENS else None
