"""How machines and apps in Azure get tokens: IMDS, and the endpoint of App Service and Functions.

Pages: "How to use managed identities on a VM to acquire an access token", "How to use managed identities for App
Service".
"""

from __future__ import annotations

import hmac
import time
from typing import Any

from tacenda.testing._azure._messages import Request, Response
from tacenda.testing._azure._tokens import Tokens

__all__ = ["APP_SERVICE_PATH", "SYSTEM_IDENTITY", "ManagedIdentity"]

APP_SERVICE_PATH = "/msi/token"
SYSTEM_IDENTITY = "00000000-0000-4000-8000-00000000000d"
"""The application id of the machine's own identity."""

_IMDS = ["metadata", "identity", "oauth2", "token"]
_ID_PARAMETERS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")


class ManagedIdentity:
    """Gives tokens to whoever can reach it, as the metadata service does.

    Args:
        tokens: who makes the tokens.
        client_id: the user-assigned identity that there is besides the machine's own.
        header: what X-IDENTITY-HEADER must be at the endpoint of App Service.
    """

    def __init__(self, tokens: Tokens, client_id: str, header: str) -> None:
        self._tokens, self._client_id, self._header = tokens, client_id, header

    def answer(self, request: Request) -> Response:
        """Answer a request on the plain listener."""
        if request.method == "GET" and request.path == _IMDS:
            return self._imds(request)
        if request.method == "GET" and f"/{'/'.join(request.path)}" == APP_SERVICE_PATH:
            return self._app_service(request)
        return Response(404, {"error": "not_found", "error_description": "Only managed identities are here."})

    def _imds(self, request: Request) -> Response:
        if request.headers.get("Metadata", "").lower() != "true":
            return _imds_error("bad_request_102", "Required metadata header not specified")
        if not request.query.get("resource"):
            return _imds_error("invalid_request", "Required query variable 'resource' is missing")
        if "api-version" not in request.query:
            return _imds_error("bad_request_101", "Required query variable 'api-version' is missing")
        identity = self._identity(request)
        if identity is None:
            return _imds_error("invalid_request", "Identity not found")
        now, lifetime = int(time.time()), int(self._tokens.lifetime)
        times = {"expires_in": lifetime, "ext_expires_in": lifetime, "expires_on": now + lifetime, "not_before": now}
        seconds = {key: str(value) for key, value in times.items()}
        return Response(content={**self._token(request, identity), **seconds})

    def _app_service(self, request: Request) -> Response:
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(), self._header.encode()):
            return Response(401, {"statusCode": 401, "message": "Unauthorized"})
        identity = self._identity(request)
        if not request.query.get("resource") or "api-version" not in request.query or identity is None:
            return Response(400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"})
        expires = str(int(time.time() + self._tokens.lifetime))
        return Response(content={**self._token(request, identity), "expires_on": expires})

    def _identity(self, request: Request) -> str | None:
        asked = [request.query[key] for key in _ID_PARAMETERS if key in request.query]
        if not asked:
            return SYSTEM_IDENTITY
        return self._client_id if asked == [self._client_id] else None

    def _token(self, request: Request, identity: str) -> dict[str, Any]:
        resource = request.query["resource"]
        token = self._tokens.issue(resource.rstrip("/"), identity)
        return {"access_token": token, "client_id": identity, "resource": resource, "token_type": "Bearer"}


def _imds_error(code: str, description: str) -> Response:
    return Response(400, {"error": code, "error_description": description})
