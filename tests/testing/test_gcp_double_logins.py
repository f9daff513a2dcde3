"""Logins of the Secret Manager double: Application Default Credentials of other processes, and every bad token."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from google.auth import crypt, jwt

from tacenda.testing import GcpSecretManager, gcp_secret_manager
from tacenda.testing._gcp._server import connect

PARENT = "projects/example-project"
VERSION = f"{PARENT}/secrets/api-keys/versions/latest"
ACCESS = f"AccessSecretVersion {VERSION}"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://secretmanager.googleapis.com/"

# What a user's program does: nothing in it knows of a test server but the endpoint.
PROGRAM = """
import sys, warnings
warnings.filterwarnings("ignore", category=FutureWarning)
import google.auth
from google.cloud import secretmanager
endpoint, version = sys.argv[1:3]
print(google.auth.default()[1])
client = secretmanager.SecretManagerServiceClient(client_options={"api_endpoint": endpoint})
for _ in range(2):
    print(client.access_secret_version(name=version, timeout=20).payload.data.decode())
"""


@pytest.fixture(scope="module")
def running() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager(tls=True) as server:
        yield server


@pytest.fixture
def server(running: GcpSecretManager) -> GcpSecretManager:
    """The server, with TLS, and the secret `api-keys` in it."""
    running.reset()
    operator = running.client()
    operator.create_secret(parent=PARENT, secret_id="api-keys", secret={"replication": {"automatic": {}}})
    operator.add_secret_version(parent=f"{PARENT}/secrets/api-keys", payload={"data": b"example-key"})
    return running


def program(server: GcpSecretManager, home: Path, **variables: str) -> list[str]:
    """Run the program in an environment of its own, and return the lines that it wrote."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.endpoint, VERSION],
        env={**kept, "HOME": str(home), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def holder(server: GcpSecretManager, token: str | None) -> Any:
    """Return a client that sends this token."""
    return connect(server.endpoint, token, server.ca_cert)


def read(client: Any) -> bytes:
    return client.access_secret_version(name=VERSION, retry=None, timeout=10).payload.data


def key_file(server: GcpSecretManager) -> dict[str, str]:
    return json.loads(Path(server.environment()["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())


def self_signed(key: dict[str, str], **changes: Any) -> str:
    """Return a token as google-auth signs one for a service account."""
    now = int(time.time())
    claims = {"iss": key["client_email"], "sub": key["client_email"], "iat": now, "exp": now + 3600, "aud": AUDIENCE}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    signer = crypt.RSASigner.from_string(key["private_key"], key["private_key_id"])
    return jwt.encode(signer, claims).decode()


class TestApplicationDefaultCredentials:
    """Each login of another process: one token request at most, then the reads (claims S0.42 to S0.44)."""

    def test_service_account_key(self, server: GcpSecretManager, tmp_path: Path) -> None:
        """A key file in GOOGLE_APPLICATION_CREDENTIALS logs in, with tokens that google-auth signs itself."""
        assert program(server, tmp_path, **server.environment()) == ["example-project", "example-key", "example-key"]
        assert server.calls == [ACCESS, ACCESS]

    def test_developer_login(self, server: GcpSecretManager, tmp_path: Path) -> None:
        """What `gcloud auth application-default login` leaves logs in with its refresh token, once."""
        lines = program(server, tmp_path, **server.environment("authorized_user"))
        assert lines == ["example-project", "example-key", "example-key"]
        assert server.calls == ["POST /token", ACCESS, ACCESS]

    def test_workload_identity(self, server: GcpSecretManager, tmp_path: Path) -> None:
        """An external account exchanges the token in its file at the Security Token Service, once."""
        lines = program(server, tmp_path, **server.environment("workload_identity"))
        assert lines == ["example-project", "example-key", "example-key"]
        assert server.calls == ["POST /v1/token", ACCESS, ACCESS]

    def test_metadata_server(self, server: GcpSecretManager, tmp_path: Path) -> None:
        """As on Compute Engine, GKE and Cloud Run, the metadata server is asked; it knows the project too."""
        variables = server.environment("metadata_server")
        del variables["GOOGLE_CLOUD_PROJECT"]
        assert program(server, tmp_path, **variables) == ["example-project", "example-key", "example-key"]
        assert "GET /computeMetadata/v1/instance/service-accounts/default/token" in server.calls
        assert server.calls[-2:] == [ACCESS, ACCESS]

    def test_files_are_private_and_removed(self, tmp_path: Path) -> None:
        """Credential files can be read by their user only, and are gone with the server."""
        with gcp_secret_manager(tls=True) as server:
            paths = [
                Path(server.environment()["GOOGLE_APPLICATION_CREDENTIALS"]),
                Path(server.environment("workload_identity")["GOOGLE_APPLICATION_CREDENTIALS"]),
                Path(server.environment("authorized_user")["CLOUDSDK_CONFIG"], "application_default_credentials.json"),
            ]
            assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600] * 3
            assert stat.S_IMODE(paths[0].parent.stat().st_mode) == 0o700
        assert not any(path.exists() for path in [*paths, Path(server.ca_cert or "")])

    def test_unknown_logins_are_a_mistake(self, server: GcpSecretManager) -> None:
        """A login that does not exist is a ValueError with those that do."""
        with pytest.raises(ValueError, match="service_account, authorized_user, workload_identity, metadata_server"):
            server.environment("password")

    def test_without_tls_no_login_is_needed(self) -> None:
        """As with an emulator, only the project is named."""
        with gcp_secret_manager(project="another-project") as server:
            assert server.environment() == {"GOOGLE_CLOUD_PROJECT": "another-project"}
            assert server.ca_cert is None


class TestTokens:
    @pytest.mark.parametrize(
        "changes",
        [{}, {"aud": None, "scope": SCOPE}, {"aud": "https://secretmanager.europe-west3.rep.googleapis.com/"}],
        ids=["audience", "scope", "region"],
    )
    def test_self_signed_tokens_that_are_good(self, server: GcpSecretManager, changes: dict[str, Any]) -> None:
        """A token signed with the service account's key is accepted, for this service or with the cloud's scope."""
        assert read(holder(server, self_signed(key_file(server), **changes))) == b"example-key"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"aud": "https://pubsub.googleapis.com/"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"aud": None, "scope": "openid"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"iss": "someone@example.com"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"exp": int(time.time()) + 90_000}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"exp": None}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"iat": int(time.time()) + 9_000, "exp": int(time.time()) + 9_100}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"iat": 1_700_000_000, "exp": 1_700_003_600}, "ACCESS_TOKEN_EXPIRED"),
        ],
        ids=["audience", "scope", "issuer", "lifetime", "endless", "future", "over"],
    )
    def test_self_signed_tokens_that_are_not(
        self, server: GcpSecretManager, changes: dict[str, Any], reason: str
    ) -> None:
        """A token for somebody else, by somebody else or out of its time is UNAUTHENTICATED."""
        with pytest.raises(exceptions.Unauthenticated) as caught:
            read(holder(server, self_signed(key_file(server), **changes)))
        assert caught.value.reason == reason

    def test_signatures_are_verified(self, server: GcpSecretManager) -> None:
        """A token signed with another key is UNAUTHENTICATED, whatever it says."""
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = other.private_bytes(encoding, form, serialization.NoEncryption()).decode()
        with pytest.raises(exceptions.Unauthenticated):
            read(holder(server, self_signed({**key_file(server), "private_key": pem})))

    def test_no_token_and_a_wrong_one(self, server: GcpSecretManager) -> None:
        """Without a token, and with an unknown one, the service's two messages come with their reasons."""
        for token, begin, reason in (
            (None, "Request is missing required authentication credential.", "CREDENTIALS_MISSING"),
            ("example-unknown", "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ("a.b.c", "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ):
            with pytest.raises(exceptions.Unauthenticated) as caught:
                read(holder(server, token))
            assert caught.value.message.startswith(
                f"{begin} Expected OAuth 2 access token, login cookie or other valid"
            )
            assert caught.value.reason == reason
            assert caught.value.metadata["method"].endswith("SecretManagerService.AccessSecretVersion")

    def test_expired_tokens_are_refused_and_new_ones_are_not(self, server: GcpSecretManager) -> None:
        """After `expire_tokens` what was issued or seen is UNAUTHENTICATED; the operator and new tokens are not."""
        signed = holder(server, self_signed(key_file(server)))
        issued = server.client("workload_identity")
        assert read(signed) == read(issued) == b"example-key"
        server.expire_tokens()
        for client in (signed, issued):
            with pytest.raises(exceptions.Unauthenticated) as caught:
                read(client)
            assert caught.value.reason == "ACCESS_TOKEN_EXPIRED"
        assert read(holder(server, self_signed(key_file(server)))) == b"example-key"
        assert read(server.client("workload_identity")) == read(server.client()) == b"example-key"

    def test_the_certificate_is_verified(self, server: GcpSecretManager) -> None:
        """A client without the test authority does not connect, and one without TLS neither."""
        secure = grpc.secure_channel(server.endpoint, grpc.ssl_channel_credentials())
        for channel in (secure, grpc.insecure_channel(server.endpoint)):
            with channel, pytest.raises(grpc.FutureTimeoutError):
                grpc.channel_ready_future(channel).result(timeout=0.3)


class TestEndpoints:
    """The token endpoints themselves: OAuth's answers to what they cannot accept."""

    @pytest.fixture
    def address(self, server: GcpSecretManager) -> str:
        return server.environment("metadata_server")["GCE_METADATA_HOST"]

    def post(self, server: GcpSecretManager, address: str, path: str, form: str) -> tuple[int, dict[str, Any]]:
        connection = HTTPSConnection(address, timeout=10, context=create_default_context(cafile=server.ca_cert))
        connection.request("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    @pytest.mark.parametrize(
        ("path", "form", "status", "error"),
        [
            ("/token", "grant_type=password", 400, "unsupported_grant_type"),
            ("/token", "grant_type=refresh_token&client_id=a&client_secret=b&refresh_token=c", 401, "invalid_client"),
            ("/token", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c", 400, "invalid_grant"),
            ("/v1/token", "grant_type=refresh_token", 400, "unsupported_grant_type"),
            (
                "/v1/token",
                "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&audience=a",
                400,
                "invalid_target",
            ),
        ],
    )
    def test_bad_logins(
        self, server: GcpSecretManager, address: str, path: str, form: str, status: int, error: str
    ) -> None:
        """A login that is wrong has OAuth's status, code and a description."""
        answered, body = self.post(server, address, path, form)
        assert (answered, body["error"]) == (status, error)
        assert body["error_description"]
        assert server.calls == [f"POST {path}"]

    def test_a_revoked_refresh_token(self, server: GcpSecretManager, address: str) -> None:
        """A refresh token that is not the developer's is `invalid_grant`, in Google's words."""
        directory = server.environment("authorized_user")["CLOUDSDK_CONFIG"]
        login = json.loads(Path(directory, "application_default_credentials.json").read_text())
        form = f"grant_type=refresh_token&client_id={login['client_id']}&client_secret={login['client_secret']}"
        status, body = self.post(server, address, "/token", f"{form}&refresh_token=revoked")
        assert (status, body["error_description"]) == (400, "Token has been expired or revoked.")

    def test_a_foreign_subject_token(self, server: GcpSecretManager, address: str) -> None:
        """A token that the workload's own provider did not issue is not exchanged."""
        path = server.environment("workload_identity")["GOOGLE_APPLICATION_CREDENTIALS"]
        audience = json.loads(Path(path).read_text())["audience"]
        grant = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
        status, body = self.post(server, address, "/v1/token", f"{grant}&audience={audience}&subject_token=foreign")
        assert (status, body["error"]) == (400, "invalid_grant")

    def test_the_jwt_bearer_grant(self, server: GcpSecretManager, address: str) -> None:
        """A signed assertion for the token endpoint is exchanged for an access token that is accepted."""
        key = key_file(server)
        assertion = self_signed(key, aud=key["token_uri"], scope=SCOPE)
        grant = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"
        status, body = self.post(server, address, "/token", f"{grant}&assertion={assertion}")
        assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 3599)
        assert read(holder(server, body["access_token"])) == b"example-key"

    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            ("/computeMetadata/v1/project/project-id", {"Metadata-Flavor": "Google"}, 200),
            ("/computeMetadata/v1/project/project-id", {}, 403),
            ("/computeMetadata/v1/nothing", {"Metadata-Flavor": "Google"}, 404),
        ],
    )
    def test_metadata_needs_its_header(self, address: str, path: str, headers: dict[str, str], status: int) -> None:
        """As on Google's machines, a request without `Metadata-Flavor: Google` is refused."""
        connection = HTTPConnection(address, timeout=10)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Metadata-Flavor")) == (status, "Google")
        answer.read()
        connection.close()

    def test_the_proxy_leads_nowhere_else(self, address: str) -> None:
        """Only Google's token host can be reached through it, and that is the test server itself."""
        connection = HTTPConnection(address, timeout=10)
        connection.set_tunnel("example.com", 443)
        with pytest.raises(OSError, match="403"):
            connection.request("GET", "/")
        connection.close()
