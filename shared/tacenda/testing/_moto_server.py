"""moto's server with the corrections that `tacenda.testing.moto` needs; runs in a process of its own.

In Secrets Manager, as in AWS: a policy's `Resource` is compared with the secret's ARN and a refusal is worded and coded
as AWS does; a deleted secret takes no new version and its name cannot be created; who moves AWSCURRENT moves what a
plain read returns. Answers carry a nonce, so that no other server on a port that was snatched away passes for ours.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.server import main
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler

NONCE = "TACENDA_TESTING_NONCE"

_REFUSALS = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
_PUT_DELETED = "You can't perform this operation on the secret because it was marked for deletion."
_CREATE_DELETED = "You can't create this secret because a secret with this name is already scheduled for deletion."

_create = SecretsManagerBackend.create_secret
_put = SecretsManagerBackend.put_secret_value
_move = SecretsManagerBackend.update_secret_version_stage


def authorize(self: SecretsManagerResponse, resource: str = "*") -> None:
    """Ask moto's IAM, and refuse in the service's own protocol."""
    try:
        BaseResponse._authenticate_and_authorize_normal_action(self, resource)  # noqa: SLF001 - moto's own hook
    except HTTPException as error:
        code = str(getattr(error, "error_type", "AccessDenied"))
        message = str(getattr(error, "message", ""))
        if resource != "*":
            message += f" on resource: {resource} because no identity-based policy allows the action"
        refusal = JsonRESTError(_REFUSALS.get(code, code), message)
    else:
        return
    raise refusal


def resource_of(self: SecretsManagerResponse) -> str:
    """Return the ARN that policies are compared with; of a name that nobody has, the ARN without a suffix."""
    name = self._get_param("SecretId") or self._get_param("Name")
    if not name:
        return "*"
    secret = self.backend.secrets.get(name)
    return secret.arn if secret else f"arn:aws:secretsmanager:{self.region}:{self.current_account}:secret:{name}"


def create_secret(self: SecretsManagerBackend, name: str, *args: Any, **options: Any) -> str:
    """Refuse the name of a deleted secret."""
    _refuse_deleted(self, name, _CREATE_DELETED)
    return _create(self, name, *args, **options)


def put_secret_value(self: SecretsManagerBackend, secret_id: str, *args: Any, **options: Any) -> str:
    """Refuse a deleted secret."""
    _refuse_deleted(self, secret_id, _PUT_DELETED)
    return _put(self, secret_id, *args, **options)


def update_secret_version_stage(self: SecretsManagerBackend, *args: Any, **options: Any) -> tuple[str, str]:
    """Make the version that AWSCURRENT moves to the one that is read."""
    moved = _move(self, *args, **options)
    if options.get("version_stage") == "AWSCURRENT" and options.get("move_to_version_id"):
        secret = self.secrets[options["secret_id"]]
        if isinstance(secret, FakeSecret):
            secret.set_default_version_id(options["move_to_version_id"])
    return moved


def _refuse_deleted(backend: SecretsManagerBackend, name: str, message: str) -> None:
    secret = backend.secrets.get(name)
    if secret is not None and secret.is_deleted():
        raise InvalidRequestException(message)


_CORRECTIONS: tuple[tuple[type, str, Any], ...] = (
    (WSGIRequestHandler, "server_version", os.environ.get(NONCE, "moto")),
    (SecretsManagerResponse, "_authenticate_and_authorize_normal_action", authorize),
    (SecretsManagerResponse, "_determine_resource", resource_of),
    (SecretsManagerBackend, "create_secret", create_secret),
    (SecretsManagerBackend, "put_secret_value", put_secret_value),
    (SecretsManagerBackend, "update_secret_version_stage", update_secret_version_stage),
)


def serve() -> None:
    """Serve until the process is ended; arguments as for `moto_server`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for owner, name, ours in _CORRECTIONS:
        setattr(owner, name, ours)
    main()


if __name__ == "__main__":
    serve()
