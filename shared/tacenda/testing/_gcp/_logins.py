"""Where clients get access tokens: the OAuth endpoint, the Security Token Service and the metadata server.

One port serves them all, with TLS and without, as each client asks. It also is the proxy (CONNECT) to
`oauth2.googleapis.com`, which means itself: google-auth redeems a developer's refresh token there and nowhere
else, whatever the credential file says. It connects to no other host.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tacenda.testing._gcp._identities import Identities
from tacenda.testing._gcp._names import project_number
from tacenda.testing._gcp._tokens import Tokens, answer
from tacenda.testing._listener import Listener

if TYPE_CHECKING:
    import ssl

__all__ = ["PROXIED", "Logins"]

PROXIED = "oauth2.googleapis.com"

_TLS_HANDSHAKE = b"\x16"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, not a token


class _Rejected(Exception):
    """A login that is refused, with the HTTP status and OAuth's code and description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = json.dumps({"error": error, "error_description": description}).encode()


class Logins(Listener):
    """The listener, in a thread of its own.

    Args:
        host: the address to bind.
        context: what TLS connections are wrapped with.
        identities: who may log in.
        tokens: issues the tokens.
        note: called with each request, such as `POST /token`.
    """

    def __init__(
        self,
        host: str,
        context: ssl.SSLContext,
        identities: Identities,
        tokens: Tokens,
        note: Callable[[str], None],
    ) -> None:
        self.context = context
        self.identities = identities
        self.tokens = tokens
        self.note = note
        super().__init__((host, 0), _Handler)
        self.start()

    def oauth(self, form: dict[str, str]) -> bytes:
        """Serve `POST /token`: a refresh token, or an assertion signed by the service account."""
        who = self.identities
        if form.get("grant_type") == _JWT_GRANT:
            claims = who.verified(form.get("assertion", ""))
            if claims is None or "/token" not in str(claims.get("aud")):
                raise _Rejected(400, "invalid_grant", "Invalid JWT Signature.")
            return answer(self.tokens.issue(f"serviceAccount:{who.service_account}"))
        if form.get("grant_type") != "refresh_token":
            raise _Rejected(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        if (form.get("client_id"), form.get("client_secret")) != (who.client_id, who.client_secret):
            raise _Rejected(401, "invalid_client", "The OAuth client was not found.")
        if form.get("refresh_token") != who.refresh_token:
            raise _Rejected(400, "invalid_grant", "Token has been expired or revoked.")
        return answer(self.tokens.issue(f"user:{who.user}"))

    def exchange(self, form: dict[str, str]) -> bytes:
        """Serve `POST /v1/token`: the token of another provider for one of ours."""
        who = self.identities
        if form.get("grant_type") != _EXCHANGE_GRANT:
            raise _Rejected(400, "unsupported_grant_type", "Invalid grant_type.")
        if form.get("audience") != who.audience:
            raise _Rejected(
                400, "invalid_target", 'The target service indicated by the "audience" parameters is invalid.'
            )
        if form.get("subject_token", "").strip() != who.subject_token:
            raise _Rejected(400, "invalid_grant", "The given credential is rejected by the attribute condition.")
        body = json.loads(answer(self.tokens.issue(who.workload)))
        return json.dumps({**body, "issued_token_type": _TOKEN_TYPE}).encode()

    def metadata(self, path: str) -> tuple[str, bytes] | None:
        """Return type and content of something at the metadata server; None if it is not there."""
        who, text = self.identities, "application/text"
        accounts = "/computeMetadata/v1/instance/service-accounts"
        for account in ("default", who.service_account):
            if path == f"{accounts}/{account}/token":
                return "application/json", answer(self.tokens.issue(f"serviceAccount:{who.service_account}"))
            if path == f"{accounts}/{account}":
                scopes = ["https://www.googleapis.com/auth/cloud-platform"]
                described = {"aliases": ["default"], "email": who.service_account, "scopes": scopes}
                return "application/json", json.dumps(described).encode()
            if path == f"{accounts}/{account}/email":
                return text, who.service_account.encode()
        texts = {
            "": "computeMetadata/\n",
            "/computeMetadata/v1/project/project-id": who.project,
            "/computeMetadata/v1/project/numeric-project-id": project_number(who.project),
            "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
            "/computeMetadata/v1/universe/universe_domain": "googleapis.com",
        }
        return (text, texts[path].encode()) if path in texts else None


class _Handler(BaseHTTPRequestHandler):
    server: Logins
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer's head and body
    timeout = 60

    def setup(self) -> None:
        self.connection = self.request
        self._wrap_if_tls()
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # with TLS, the server knows and closes only the socket that was wrapped

    def do_CONNECT(self) -> None:
        if self.path != f"{PROXIED}:443":
            self._answer(403, "text/plain", b"this test server is a proxy to itself only\n")
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        super().finish()
        self._wrap_if_tls()
        super().setup()
        self.close_connection = False

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.note(f"GET {path}")
        found = self.server.metadata(path.rstrip("/"))
        if self.headers.get("Metadata-Flavor") != "Google":
            self._answer(403, "text/html", b"Missing Metadata-Flavor:Google header.\n")
        elif found:
            self._answer(200, *found)
        else:
            self._answer(404, "text/html", b"Not Found\n")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        self.server.note(f"POST {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        endpoint = {"/token": self.server.oauth, "/v1/token": self.server.exchange}.get(path)
        if endpoint is None:
            self._answer(404, "text/html", b"Not Found\n")
            return
        try:
            token = endpoint({key: values[0] for key, values in parse_qs(body).items()})
        except _Rejected as rejected:
            self._answer(rejected.status, "application/json", rejected.body)
        else:
            self._answer(200, "application/json", token)

    def log_message(self, *parts: Any) -> None:
        pass

    def _wrap_if_tls(self) -> None:
        self.connection.settimeout(self.timeout)
        if self.connection.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            self.request = self.connection = self.server.context.wrap_socket(self.connection, server_side=True)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Metadata-Flavor", "Google")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()
