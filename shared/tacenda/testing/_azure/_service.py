"""Everything behind the two listeners: which request is whose, and what every answer of a vault has in its head."""

from __future__ import annotations

import time
import uuid

from tacenda.testing._azure._entra import Entra
from tacenda.testing._azure._faults import Faults
from tacenda.testing._azure._gate import caller_of
from tacenda.testing._azure._managed_identity import ManagedIdentity
from tacenda.testing._azure._messages import Request, Response, ServiceError
from tacenda.testing._azure._roles import Access
from tacenda.testing._azure._store import Store
from tacenda.testing._azure._tokens import Tokens
from tacenda.testing._azure._vault import Vault

__all__ = ["Service"]


class Service:
    """A vault and its logins.

    Args:
        store: what is in the vault.
        tokens: who makes the tokens.
        entra: logs service principals in.
        identity: logs machines in.
        role: what everybody may do at first.
        tenant: the directory that the vault sends clients to.

    Attributes:
        requests: each request so far, such as `GET /secrets/api-keys/?api-version=7.6`.
    """

    def __init__(
        self, store: Store, tokens: Tokens, entra: Entra, identity: ManagedIdentity, *, role: str, tenant: str
    ) -> None:
        self.access, self.faults = Access(role), Faults()
        self.requests: list[str] = []
        self._vault = Vault(store, self.access)
        self._tokens, self._entra, self._identity, self._tenant = tokens, entra, identity, tenant

    def over_tls(self, request: Request) -> Response:
        """Answer what comes in over TLS: the vault's requests, and Entra's."""
        self._note(request)
        response = self._entra.answer(request)
        if response is not None:
            return response
        try:
            self.faults.check()
            caller = caller_of(request, self._tokens, self._tenant)
            response = self._vault.answer(request, caller)
        except ServiceError as refusal:
            response = refusal.response()
        return Response(response.status, response.content, {**_head(request), **response.headers})

    def over_plain_http(self, request: Request) -> Response:
        """Answer what comes in without TLS: managed identities only."""
        self._note(request)
        return self._identity.answer(request)

    def _note(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.target}")
        if self.faults.delay:
            time.sleep(self.faults.delay)


def _head(request: Request) -> dict[str, str]:
    head = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-keyvault-region": "local",
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-keyvault-service-version": "1.9.0.0",
        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
        "X-Content-Type-Options": "nosniff",
    }
    client = request.headers.get("x-ms-client-request-id")
    return {**head, "x-ms-client-request-id": client} if client else head
