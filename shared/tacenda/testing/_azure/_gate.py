"""The way into the vault: the challenge to log in, and the check of the token that comes back."""

from __future__ import annotations

from tacenda.testing._azure._messages import Request, ServiceError
from tacenda.testing._azure._tokens import Tokens

__all__ = ["PUBLIC_RESOURCE", "caller_of", "resource_of"]

PUBLIC_RESOURCE = "https://vault.azure.net"
"""What `az` and people ask a token for; the double takes it at any address."""


def resource_of(host: str) -> str:
    """Return what a client at this address must ask a token for.

    The SDK insists that the resource is a parent domain of the vault's, as `vault.azure.net` is of
    `name.vault.azure.net`; for it, `https://0.0.1:8443` is one of `https://127.0.0.1:8443`.

    Args:
        host: what the client calls us: name and port.
    """
    parent = host.partition(".")[2]
    return f"https://{parent or host}"


def caller_of(request: Request, tokens: Tokens, tenant: str) -> str:
    """Return who sent a request, in the words of the service.

    Args:
        request: what came in.
        tokens: who made the tokens.
        tenant: where to log in.

    Raises:
        ServiceError: 401 with the challenge, without a token that is good for this vault.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized(request, tenant, "AKV10000: Request is missing a Bearer or PoP token.")
    claims = tokens.read(token.strip())
    if claims is None:
        raise _unauthorized(request, tenant, "AKV10046: Unable to resolve the key used for signature validation.")
    if not tokens.current(claims):
        raise _unauthorized(request, tenant, "AKV10001: Error validating token: the token is expired.")
    expected = {PUBLIC_RESOURCE, resource_of(request.host)}
    if str(claims["aud"]).rstrip("/") not in expected:
        message = f"AKV10022: Invalid audience. Expected {PUBLIC_RESOURCE}, found: {claims['aud']}."
        raise _unauthorized(request, tenant, message)
    return f"appid={claims['appid']};oid={claims['oid']};iss={claims['iss']}"


def _unauthorized(request: Request, tenant: str, message: str) -> ServiceError:
    challenge = f'Bearer authorization="https://{request.host}/{tenant}", resource="{resource_of(request.host)}"'
    return ServiceError(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})
