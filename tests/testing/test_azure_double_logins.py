"""The double of Azure Key Vault lets in who may come in: every login of azure-identity, and its refusals."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.identity import (
    AzureCliCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.secrets import SecretClient

from tacenda.testing import AzureKeyVault, azure_key_vault

LOGINS = ["service_principal", "adfs", "workload_identity", "managed_identity", "app_service", "azure_cli"]
OFFLINE = {"disable_instance_discovery": True}


@pytest.fixture(scope="module")
def vault() -> Iterator[AzureKeyVault]:
    with azure_key_vault() as running:
        running.put("api-keys", "example-value")
        yield running


@pytest.fixture
def log_in(vault: AzureKeyVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function that takes the environment variables of a login, in a home where nobody is logged in."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def enter(login: str, **changes: str) -> None:
        vault.requests.clear()
        for name, text in {**vault.environment(login), **changes}.items():
            monkeypatch.setenv(name, text)

    return enter


def read(vault: AzureKeyVault, credential: Any, **options: Any) -> str:
    with credential, SecretClient(vault.url, credential, retry_total=0, **options) as client:
        value: str = client.get_secret("api-keys").value
        return value


def ask(url: str, ca: str | None, method: str, path: str, *, body: str = "", **headers: str) -> tuple[int, Any, Any]:
    """Ask without an SDK, as somebody does who is not let in."""
    host = urlsplit(url).netloc
    context = ssl.create_default_context(cafile=ca)
    connection = HTTPSConnection(host, context=context) if url.startswith("https") else HTTPConnection(host)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.load(answer), answer.headers
    finally:
        connection.close()


class TestEveryLogin:
    @pytest.mark.parametrize("login", LOGINS)
    def test_by_default(self, vault: AzureKeyVault, log_in: Any, login: str) -> None:
        """`DefaultAzureCredential` finds each login in the variables alone, with all its checks (S0.32-S0.35)."""
        log_in(login)
        assert read(vault, DefaultAzureCredential(**OFFLINE)) == "example-value"

    @pytest.mark.parametrize("login", [login for login in LOGINS if login != "service_principal"])
    def test_without_any_setting(self, vault: AzureKeyVault, log_in: Any, login: str) -> None:
        """All but one log in where nothing but variables can be set, and ask nobody outside."""
        log_in(login)
        assert read(vault, DefaultAzureCredential()) == "example-value"

    @pytest.mark.parametrize(
        ("login", "credential"),
        [
            ("service_principal", lambda: EnvironmentCredential(**OFFLINE)),
            ("adfs", EnvironmentCredential),
            ("workload_identity", WorkloadIdentityCredential),
            ("managed_identity", ManagedIdentityCredential),
            ("app_service", ManagedIdentityCredential),
            ("azure_cli", AzureCliCredential),
        ],
    )
    def test_each_credential(self, vault: AzureKeyVault, log_in: Any, login: str, credential: Any) -> None:
        """Each credential of azure-identity on its own, too."""
        log_in(login)
        assert read(vault, credential()) == "example-value"

    @pytest.mark.parametrize("login", ["managed_identity", "app_service"])
    def test_a_user_assigned_identity(self, vault: AzureKeyVault, log_in: Any, login: str) -> None:
        """There is the machine's own identity, and one that is asked for by its client id; no other."""
        log_in(login)
        assert read(vault, ManagedIdentityCredential(client_id=vault.client_id)) == "example-value"
        with pytest.raises(ClientAuthenticationError):
            read(vault, ManagedIdentityCredential(client_id="00000000-0000-4000-8000-0000000000ff"))

    @pytest.mark.parametrize("login", LOGINS)
    def test_one_login_serves_many_reads(self, vault: AzureKeyVault, log_in: Any, login: str) -> None:
        """A token is asked for once, and every request is noted."""
        log_in(login)
        with DefaultAzureCredential(**OFFLINE) as credential, SecretClient(vault.url, credential) as client:
            for _ in range(3):
                client.get_secret("api-keys")
        reads = [request for request in vault.requests if "/secrets/" in request]
        assert 3 <= len(reads) <= 4  # the first one may have been the question how to log in
        assert len([request for request in vault.requests if request.partition("?")[0].endswith("token")]) == 1

    def test_unknown(self, vault: AzureKeyVault) -> None:
        """A login that there is not is refused, with those that there are."""
        with pytest.raises(ValueError, match="workload_identity"):
            vault.environment("carrier-pigeon")


class TestEntra:
    def token(self, vault: AzureKeyVault, tenant: str | None = None, **changes: str) -> tuple[int, str, str]:
        form = {
            "grant_type": "client_credentials",
            "client_id": vault.client_id,
            "client_secret": vault.client_secret,
            "scope": f"{vault.resource}/.default",
            **changes,
        }
        path = f"/{tenant or vault.tenant_id}/oauth2/v2.0/token"
        status, content, _ = ask(vault.url, vault.ca_cert, "POST", path, body=urlencode(form))
        return status, content.get("error", ""), content.get("error_description", "").partition(":")[0]

    def test_granted(self, vault: AzureKeyVault) -> None:
        """A right secret gets a token."""
        assert self.token(vault) == (200, "", "")

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"client_secret": "example-wrong"}, (401, "invalid_client", "AADSTS7000215")),
            ({"client_id": "example-nobody"}, (400, "unauthorized_client", "AADSTS700016")),
            ({"tenant": "example-nowhere"}, (400, "invalid_request", "AADSTS90002")),
            ({"grant_type": "password"}, (400, "unsupported_grant_type", "AADSTS70003")),
            ({"scope": "openid"}, (400, "invalid_scope", "AADSTS1002012")),
            ({"scope": ""}, (400, "invalid_scope", "AADSTS1002012")),
        ],
    )
    def test_refused(self, vault: AzureKeyVault, changes: dict[str, str], refusal: tuple[int, str, str]) -> None:
        """What Entra refuses is refused with its status, error and number."""
        assert self.token(vault, **changes) == refusal

    def test_a_wrong_secret_as_the_sdk_says_it(self, vault: AzureKeyVault) -> None:
        """The SDK's error for a wrong secret is the one that users know."""
        options = {"authority": vault.url, "connection_verify": vault.ca_cert, **OFFLINE}
        credential = ClientSecretCredential(vault.tenant_id, vault.client_id, "example-wrong", **options)
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret provided"):
            read(vault, credential, connection_verify=vault.ca_cert)

    def test_a_wrong_federated_token(self, vault: AzureKeyVault, log_in: Any, tmp_path: Path) -> None:
        """A pod's token from another issuer is refused."""
        file = tmp_path / "token"
        file.write_text("example.federated.token")
        log_in("workload_identity", AZURE_FEDERATED_TOKEN_FILE=str(file))
        with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
            read(vault, WorkloadIdentityCredential())

    def test_an_access_token_is_no_assertion(self, vault: AzureKeyVault, log_in: Any, tmp_path: Path) -> None:
        """Neither does a token for the vault log anybody in."""
        file = tmp_path / "token"
        file.write_text(vault.access_token())
        log_in("workload_identity", AZURE_FEDERATED_TOKEN_FILE=str(file))
        with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
            read(vault, WorkloadIdentityCredential())

    def test_discovery(self, vault: AzureKeyVault) -> None:
        """Where to log in can be asked, for the directory and for the address."""
        path = f"/{vault.tenant_id}/v2.0/.well-known/openid-configuration"
        status, content, _ = ask(vault.url, vault.ca_cert, "GET", path)
        assert (status, content["token_endpoint"]) == (200, f"{vault.url}/{vault.tenant_id}/oauth2/v2.0/token")
        status, content, _ = ask(vault.url, vault.ca_cert, "GET", "/common/discovery/instance?api-version=1.1")
        assert (status, content["tenant_discovery_endpoint"]) == (200, vault.url + path)
        missing = path.replace(vault.tenant_id, "nowhere")
        assert ask(vault.url, vault.ca_cert, "GET", missing)[0] == 400


class TestManagedIdentity:
    PATH = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net"

    def test_imds(self, vault: AzureKeyVault) -> None:
        """The metadata service answers as on a machine in Azure: its numbers are texts."""
        status, content, _ = ask(vault.identity_url, None, "GET", self.PATH, Metadata="true")
        assert (status, content["resource"], content["token_type"]) == (200, "https://vault.azure.net", "Bearer")
        assert content["expires_in"] == "3600"
        assert int(content["expires_on"]) > int(content["not_before"])

    @pytest.mark.parametrize("parameter", ["api-version=2018-02-01", "resource=https%3A%2F%2Fvault.azure.net"])
    def test_what_imds_needs(self, vault: AzureKeyVault, parameter: str) -> None:
        """Without a parameter it is 400."""
        path = self.PATH.replace(parameter, "").replace("?&", "?")
        assert ask(vault.identity_url, None, "GET", path, Metadata="true")[0] == 400

    def test_the_header_of_imds(self, vault: AzureKeyVault) -> None:
        """Without `Metadata: true`, which no forwarded request has, it is 400."""
        status, content, _ = ask(vault.identity_url, None, "GET", self.PATH)
        assert (status, content["error_description"]) == (400, "Required metadata header not specified")

    def test_the_header_of_app_service(self, vault: AzureKeyVault, log_in: Any) -> None:
        """Without the right X-IDENTITY-HEADER there is no token."""
        log_in("app_service", IDENTITY_HEADER="example-wrong")
        with pytest.raises(CredentialUnavailableError):
            read(vault, ManagedIdentityCredential())

    def test_no_vault_without_tls(self, vault: AzureKeyVault) -> None:
        """On the port without TLS there is no vault and no other login."""
        for path in ("/secrets?api-version=7.6", "/common/discovery/instance"):
            assert ask(vault.identity_url, None, "GET", path)[0] == 404


class TestTheGate:
    def test_the_challenge(self, vault: AzureKeyVault) -> None:
        """Who has no token is told where to get one, and for what, in the service's form."""
        status, content, headers = ask(vault.url, vault.ca_cert, "GET", "/secrets?api-version=7.6")
        resource = vault.url.replace("127.0.0.1", "0.0.1")
        assert (status, content["error"]["code"]) == (401, "Unauthorized")
        expected = f'Bearer authorization="{vault.url}/{vault.tenant_id}", resource="{resource}"'
        assert headers["WWW-Authenticate"] == expected
        assert vault.resource == resource

    def test_under_another_name(self, vault: AzureKeyVault) -> None:
        """The challenge is for the name that the client uses, so that a forwarded port works too."""
        headers = ask(vault.url, vault.ca_cert, "GET", "/secrets", Host="vault.example.test:1")[2]
        assert 'resource="https://example.test:1"' in headers["WWW-Authenticate"]

    @pytest.mark.parametrize(
        "audience", [None, "https://vault.azure.net", "https://vault.azure.net/"], ids=["own", "azure", "slash"]
    )
    def test_tokens_that_count(self, vault: AzureKeyVault, audience: str | None) -> None:
        """A token for this vault counts, and one for Azure's vaults in general, as `az` gets it."""
        assert self.status(vault, f"Bearer {vault.access_token(audience)}") == 200

    def test_tokens_that_do_not(self, vault: AzureKeyVault) -> None:
        """Neither a token for something else, nor one of another issuer, nor a changed one, nor anything else."""
        token = vault.access_token()
        head, _, rest = token.partition(".")
        with azure_key_vault() as other:
            foreign = other.access_token(vault.resource)
        wrong = [vault.access_token("https://management.azure.com"), foreign, f"{head}.A{rest}", token[:-2], "", "ä"]
        assert {self.status(vault, f"Bearer {each}") for each in wrong} == {401}
        assert self.status(vault, f"Basic {token}") == 401

    def status(self, vault: AzureKeyVault, authorization: str) -> int:
        path = "/secrets/api-keys?api-version=7.6"
        sent = authorization.encode().decode("latin-1")
        return ask(vault.url, vault.ca_cert, "GET", path, Authorization=sent)[0]

    def test_the_version_of_the_api_is_required(self, vault: AzureKeyVault) -> None:
        """As in the service, a request that does not say which version it speaks is 400."""
        authorization = f"Bearer {vault.access_token()}"
        status, content, _ = ask(vault.url, vault.ca_cert, "GET", "/secrets", Authorization=authorization)
        assert (status, content["error"]["code"]) == (400, "BadParameter")

    def test_tokens_expire(self) -> None:
        """A token is good for its lifetime only."""
        with azure_key_vault(token_lifetime=0) as vault:
            assert self.status(vault, f"Bearer {vault.access_token()}") == 401

    def test_the_challenge_is_checked(self, vault: AzureKeyVault) -> None:
        """The SDK's check is on: under a name without a parent domain it does not log in."""
        url = vault.url.replace("127.0.0.1", "localhost")
        options = {"connection_verify": vault.ca_cert, **OFFLINE}
        credential = ClientSecretCredential(
            vault.tenant_id, vault.client_id, vault.client_secret, authority=url, **options
        )
        client = SecretClient(url, credential, connection_verify=vault.ca_cert)
        with credential, client, pytest.raises(ValueError, match="does not match the requested domain"):
            client.get_secret("api-keys")

    def test_the_certificate_is_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who does not trust the authority does not talk to the vault: its certificate is a real one."""
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        with azure_key_vault() as unknown:  # one that the SDK has not met in this process
            credential = ClientSecretCredential(unknown.tenant_id, unknown.client_id, unknown.client_secret)
            with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"):
                read(unknown, credential)
            assert unknown.requests == []

    def test_nobody_outside_is_concerned(self, vault: AzureKeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
        """`client()` needs nothing of the environment, and is not misled by it."""
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
        assert vault.client(retry_total=0).get_secret("api-keys").value == "example-value"

    def test_another_credential(self, vault: AzureKeyVault) -> None:
        """`client()` takes a credential of one's own."""
        options = {"authority": vault.url, "connection_verify": vault.ca_cert, **OFFLINE}
        wrong = ClientSecretCredential(vault.tenant_id, vault.client_id, "example-wrong", **options)
        with wrong, pytest.raises(HttpResponseError, match="AADSTS7000215"):
            vault.client(credential=wrong, retry_total=0).get_secret("api-keys")
