"""The part of Microsoft Entra ID that a service principal's login needs; page "OAuth 2.0 client credentials flow"."""

from __future__ import annotations

import hmac
import time
import uuid
from typing import Any

from tacenda.testing._azure._messages import Request, Response
from tacenda.testing._azure._tokens import Tokens

__all__ = ["ADFS", "Entra"]

ADFS = "adfs"
"""The tenant of Active Directory Federation Services, as on Azure Stack; the SDK asks Microsoft nothing about it."""

FEDERATION = "api://AzureADTokenExchange"
SUBJECT = "system:serviceaccount:default:example"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    """Logs one application in.

    Args:
        tokens: who makes the tokens.
        tenant: the directory.
        client_id: the application.
        client_secret: its secret.
    """

    def __init__(self, tokens: Tokens, tenant: str, client_id: str, client_secret: str) -> None:
        self._tokens, self._tenant = tokens, tenant
        self._client_id, self._client_secret = client_id, client_secret

    def federated_token(self) -> str:
        """Return what a pod of this application's service account has in AZURE_FEDERATED_TOKEN_FILE."""
        return self._tokens.issue(FEDERATION, self._client_id, sub=SUBJECT)

    def answer(self, request: Request) -> Response | None:
        """Answer a request of a login; None if it is none."""
        match (request.method, request.path):
            case ("GET", ["common", "discovery", "instance"]):
                return self._instance(request)
            case ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]):
                return self._configuration(request, tenant, "oauth2/v2.0", "/v2.0")
            case ("GET", ["adfs" as tenant, ".well-known", "openid-configuration"]):
                return self._configuration(request, tenant, "oauth2", "")
            case ("POST", [tenant, "oauth2", "v2.0", "token"] | [tenant, "oauth2", "token"]):
                return self._token(request, tenant)
        return None

    def _instance(self, request: Request) -> Response:
        host = request.host.partition(":")[0]
        metadata = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        endpoint = f"https://{request.host}/{self._tenant}/v2.0/.well-known/openid-configuration"
        return Response(content={"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})

    def _configuration(self, request: Request, tenant: str, flow: str, suffix: str) -> Response:
        if not self._knows(tenant):
            return self._no_tenant(tenant)
        base = f"https://{request.host}/{tenant}"
        content = {
            "issuer": f"{base}{suffix}",
            "authorization_endpoint": f"{base}/{flow}/authorize",
            "token_endpoint": f"{base}/{flow}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "tenant_region_scope": "WW",
        }
        return Response(content=content)

    def _token(self, request: Request, tenant: str) -> Response:
        form = request.form
        if not self._knows(tenant):
            return self._no_tenant(tenant)
        refusal = self._refuse(form)
        if refusal is not None:
            return refusal
        lifetime = int(self._tokens.lifetime)
        token = self._tokens.issue(_audience(form), self._client_id)
        content = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        return Response(content=content, headers={"Cache-Control": "no-store, no-cache"})

    def _refuse(self, form: dict[str, str]) -> Response | None:
        client = form.get("client_id", "")
        if form.get("grant_type") != "client_credentials":
            text = f"The app requested an unsupported grant type '{form.get('grant_type', '')}'."
            return _refusal(400, "unsupported_grant_type", 70003, text)
        if client.lower() != self._client_id:
            text = f"Application with identifier '{client}' was not found in the directory '{self._tenant}'."
            return _refusal(400, "unauthorized_client", 700016, text)
        if "client_secret" in form:
            if not hmac.compare_digest(form["client_secret"].encode(), self._client_secret.encode()):
                return _refusal(401, "invalid_client", 7000215, _NOT_THE_ONE.format(client))
        elif not self._federated(form):
            return _refusal(401, "invalid_client", 700213, _NOT_FEDERATED)
        if not _audience(form).startswith(("https://", "api://")) or not form["scope"].endswith("/.default"):
            text = f"The provided value for scope {form.get('scope', '')} is not valid."
            return _refusal(400, "invalid_scope", 1002012, text)
        return None

    def _federated(self, form: dict[str, str]) -> bool:
        claims = self._tokens.read(form.get("client_assertion", ""))
        return (
            form.get("client_assertion_type") == _ASSERTION_TYPE
            and claims is not None
            and claims["aud"] == FEDERATION
            and claims["exp"] > time.time()
        )

    def _knows(self, tenant: str) -> bool:
        return tenant.lower() in {self._tenant, ADFS}

    def _no_tenant(self, tenant: str) -> Response:
        text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        return _refusal(400, "invalid_request", 90002, text)


_NOT_THE_ONE = (
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
    "not the client secret ID, for a secret added to app '{}'."
)
_NOT_FEDERATED = "No matching federated identity record found for presented assertion."


def _audience(form: dict[str, str]) -> str:
    return form.get("scope", "").partition(" ")[0].removesuffix("/.default")


def _refusal(status: int, error: str, code: int, text: str) -> Response:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    moment = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    description = f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
    content: dict[str, Any] = {
        "error": error,
        "error_description": description,
        "error_codes": [code],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return Response(status, content)
