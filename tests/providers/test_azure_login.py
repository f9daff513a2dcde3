"""Logging in to Azure by every documented way, each with the real SDK, and how that fails (S0.32–S0.35)."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure_lab import AzureLab, read
from stub_server import Stub, running

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, Throttled
from tacenda.testing import Gateway
from tacenda.testing._conformance._base import refused

LOGINS = ["service_principal", "adfs", "workload_identity", "managed_identity", "app_service", "azure_cli"]
THREADS = 16


@pytest.fixture(autouse=True)
def _secret(azure: AzureLab) -> None:
    azure.server.put("api-keys", "example-value")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, azure: AzureLab, tmp_path: Path) -> None:
    """A machine on which nobody has logged in: no metadata service answers, and there is no `az`."""
    monkeypatch.setenv("HTTP_PROXY", unused())  # where the metadata service may be, this asks nobody
    monkeypatch.setenv("PATH", str(tmp_path))


def unused() -> str:
    """Return an address that refuses connections."""
    with Gateway("http://127.0.0.1:9") as gateway:
        return gateway.url


def logins(azure: AzureLab) -> list[str]:
    """Return the requests that got somebody a token."""
    return [request for request in azure.server.requests if "/token" in request or "/msi" in request.lower()]


# -- every way ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", LOGINS)
def test_every_login(azure: AzureLab, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """Nothing in our configuration: `DefaultAzureCredential` finds service principal, identity or `az` (S0.32–S0.35).

    That is S0.72 too: for three of them there is no static credential.
    """
    azure.log_in(monkeypatch, login)
    provider = azure.bare()
    assert [read(provider) for _ in range(3)] == ["example-value"] * 3
    assert len(logins(azure)) <= 1 or login == "managed_identity"  # one look whether the metadata service is there


@pytest.mark.parametrize("login", LOGINS)
def test_every_login_is_renewed(azure: AzureLab, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """A token that was revoked is replaced by a new login, once, and nobody notices."""
    azure.log_in(monkeypatch, login)
    provider = azure.bare()
    read(provider)
    azure.server.expire_tokens()
    assert read(provider) == "example-value"


def test_a_service_principal_by_settings(azure: AzureLab) -> None:
    """In a mapping given in code the secret may stand beside the ids; nothing else is tried."""
    assert read(azure.provider()) == "example-value"


def test_ids_by_settings_and_the_secret_by_variable(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may name tenant and application, and the environment holds the secret."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", azure.server.client_secret)
    assert read(azure.provider(client_secret=None)) == "example-value"


@pytest.mark.usefixtures("nobody")
def test_a_secret_is_never_sent_for_another_application(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variables belong to another application than `client_id`, they do not log in in its place."""
    azure.log_in(monkeypatch, "service_principal")
    error = refused(ConfigurationError, lambda: read(azure.bare(client_id="00000000-0000-4000-8000-000000000001")))
    assert "nothing to log in" in error.message
    assert logins(azure) == []


def test_a_user_assigned_identity(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`client_id` chooses among a machine's identities (S0.33); one that it does not have is told."""
    azure.log_in(monkeypatch, "managed_identity")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    assert read(azure.bare(client_id=azure.server.client_id)) == "example-value"
    assert any(azure.server.client_id in request for request in azure.server.requests)
    other = azure.bare(client_id="00000000-0000-4000-8000-000000000001")
    assert "Identity not found" in refused(ConfigurationError, lambda: read(other)).message


def test_another_authority_by_variable_or_setting(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud of one's own is named by `authority`, or by AZURE_AUTHORITY_HOST."""
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.server.url)
    assert read(azure.provider(authority=None)) == "example-value"


def test_logins_are_the_environments(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stacks with one configuration and two environments are two identities."""
    azure.log_in(monkeypatch, "service_principal")
    first = azure.bare()
    read(first)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "example-wrong-secret")
    refused(AccessDenied, lambda: read(azure.bare()), "example-wrong-secret")
    assert read(first) == "example-value"


@pytest.mark.parametrize("login", ["app_service", "azure_cli"])
def test_the_command_line(azure: AzureLab, tmp_path: Path, login: str) -> None:
    """`tacenda get` in a new process, with nothing but the address in the file (S0.31, S0.33, S0.35)."""
    settings = f"provider: azure_keyvault, vault_url: '{azure.server.url}', disable_instance_discovery: true"
    (tmp_path / "tacenda.yaml").write_text(f"stacks: {{prod: {{secrets: {{{settings}}}}}}}")
    environment = {**os.environ, **azure.server.environment(login)}

    command = [sys.executable, "-m", "tacenda", "get", "api-keys", "--reveal"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "example-value"


def test_a_read_needs_no_more_than_the_login(azure: AzureLab, tmp_path: Path) -> None:
    """Importing the module loads no SDK, and a read only that of the login: the rest is a part of a cold start."""
    program = """
import sys
from pathlib import Path
from tacenda.providers.azure import AzureProvider
loaded = lambda: [name for name in ("azure.core", "azure.identity", "azure.keyvault", "boto3") if name in sys.modules]
before = loaded()
provider = AzureProvider({"vault_url": sys.argv[1], "disable_instance_discovery": True}, Path())
assert provider.read("api-keys").value == "example-value"
print(before, loaded())
"""
    environment = {**os.environ, **azure.server.environment()}
    command = [sys.executable, "-c", program, azure.server.url]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] ['azure.core', 'azure.identity']", done.stderr


# -- once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["service_principal", "azure_cli"])
def test_16_threads_log_in_once(azure: AzureLab, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """However many threads begin at once, one logs in; also where the SDK itself keeps no token, as with `az`."""
    azure.log_in(monkeypatch, login)
    provider = azure.bare()
    tokens: set[str] = set()
    provider.protect = lambda value, label: tokens.add(value) if label == "Azure access token" else None
    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(lambda _: read(provider), range(THREADS))) == {"example-value"}
    assert len(tokens) == 1


def test_one_new_login_for_16_threads(azure: AzureLab) -> None:
    """When a token is revoked, 16 threads find out and one logs in."""
    provider = azure.provider()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: read(provider), range(THREADS)))
        azure.server.requests.clear()
        azure.server.expire_tokens()
        assert set(pool.map(lambda _: read(provider), range(THREADS * 4))) == {"example-value"}
    assert len(logins(azure)) == 1


def test_a_token_that_ends_soon_is_renewed_before(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is not used in its last five minutes, and a fresh one is used for an hour."""
    azure.log_in(monkeypatch, "managed_identity")
    provider = azure.bare()
    read(provider)
    azure.server.requests.clear()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3500)
    read(provider)
    assert len(logins(azure)) >= 1


# -- masking -----------------------------------------------------------------------------------------


def test_credentials_are_protected_before_they_are_sent(azure: AzureLab) -> None:
    """Secret and token are told to the masker before a server sees them."""
    provider = azure.provider()
    events: list[tuple[str, str]] = []
    provider.protect = lambda value, label: events.append((label, value))
    read(provider)
    labels = [label for label, _ in events]
    assert labels == ["Azure client secret", "Azure access token"]
    assert events[0][1] == azure.server.client_secret


@pytest.mark.parametrize(
    ("login", "label"),
    [
        ("service_principal", "Azure client secret"),
        ("workload_identity", "Azure federated token"),
        ("app_service", "Azure identity header"),
    ],
)
def test_credentials_of_the_environment(
    azure: AzureLab, monkeypatch: pytest.MonkeyPatch, login: str, label: str
) -> None:
    """What the SDK takes from variables and files is told to the masker too."""
    azure.log_in(monkeypatch, login)
    provider = azure.bare()
    labels: list[str] = []
    provider.protect = lambda value, label: labels.append(label)
    read(provider)
    assert labels == [label, "Azure access token"]


def test_logs_hold_nothing(azure: AzureLab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's logs at DEBUG show neither value nor token nor secret."""
    caplog.set_level(logging.DEBUG)
    azure.log_in(monkeypatch, "service_principal")
    provider = azure.bare()
    tokens: list[str] = []
    provider.protect = lambda value, label: tokens.append(value)
    provider.write("api-keys", "example-new-value")
    assert read(provider) == "example-new-value"
    assert len(tokens) == 2
    for value in ("example-new-value", "example-value", *tokens):
        assert value not in caplog.text


# -- failures ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nobody")
def test_nobody_is_logged_in(azure: AzureLab, caplog: pytest.LogCaptureFixture) -> None:
    """One line lists what was tried, the hint says what to do, the SDK adds no warning, and it takes no half minute."""
    started = time.monotonic()
    error = refused(ConfigurationError, lambda: read(azure.bare()))
    assert time.monotonic() - started < 8
    assert "\n" not in error.message
    for way in (
        "EnvironmentCredential",
        "WorkloadIdentityCredential",
        "ManagedIdentityCredential",
        "AzureCliCredential",
    ):
        assert f"{way}: " in error.message
    assert "az login" in str(error.hint)
    assert "AZURE_CLIENT_SECRET" in str(error.hint)
    assert caplog.text == ""
    assert error.retry_for == 0


@pytest.mark.usefixtures("nobody")
def test_az_is_not_logged_in(azure: AzureLab, tmp_path: Path) -> None:
    """What `az` says is in the message."""
    az = tmp_path / "az"
    az.write_text("#!/bin/sh\necho \"Please run 'az login' to setup account.\" >&2\nexit 1\n")
    az.chmod(0o755)
    assert "Please run 'az login'" in refused(ConfigurationError, lambda: read(azure.bare())).message


def test_a_wrong_secret(azure: AzureLab) -> None:
    """A refused login is denied, with Entra's own reason, and shows no secret."""
    error = refused(
        AccessDenied, lambda: read(azure.provider(client_secret="example-wrong-secret")), "example-wrong-secret"
    )
    assert "AADSTS7000215" in error.message
    assert "\n" not in str(error.message)
    assert error.__context__ is None


def test_a_wrong_secret_shows_no_value_that_was_to_be_written(azure: AzureLab) -> None:
    """The login fails in the middle of the SDK's frames, which hold the request."""
    provider = azure.provider(client_secret="example-wrong-secret")
    refused(AccessDenied, lambda: provider.write("api-keys", "example-new"), "example-new", "example-wrong-secret")


def test_another_tenants_vault(azure: AzureLab) -> None:
    """A login of another directory than the vault's says so."""
    error = refused(ConfigurationError, lambda: read(azure.provider(tenant_id="another-tenant")))
    assert azure.server.tenant_id in error.message


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tenant_id": None}, "'tenant_id'"),
        ({"client_id": None}, "'client_id'"),
        ({"tenant_id": "no tenant!"}, "tenant"),
        ({"authority": "http://login.example.com"}, "authority"),
        ({"disable_instance_discovery": "yes"}, "disable_instance_discovery"),
    ],
)
def test_settings_that_are_no_login(azure: AzureLab, settings: dict[str, str | None], named: str) -> None:
    """What is missing or means nothing is named, and nothing was sent to log in."""
    error = refused(ConfigurationError, lambda: read(azure.provider(**settings)), azure.server.client_secret)
    assert named in str(error)
    assert logins(azure) == []


@pytest.fixture
def endpoint(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """App Service's endpoint for identities, which is plain HTTP."""
    with running(Stub()) as stub:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{stub.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "example-header")
        yield stub


def test_a_throttled_login(azure: AzureLab, endpoint: Stub) -> None:
    """429 of a login is worth waiting for as long as it says; a machine's metadata service does that to many tasks."""
    endpoint.status, endpoint.headers = 429, {"Retry-After": "3"}
    error = refused(Throttled, lambda: read(azure.bare()), "example-header")
    assert (error.retry_for, error.retry_after) == (180, 3)
    assert len(endpoint.requests) == 1


def test_a_login_that_is_out_of_order(azure: AzureLab, endpoint: Stub) -> None:
    """So is 503, and it is not called a wrong login."""
    endpoint.status, endpoint.body = 503, b"<html>down</html>"
    assert refused(BackendUnavailable, lambda: read(azure.bare())).retry_for == 180


@pytest.mark.parametrize("answer", [b'{"access_token": "example-token', b"example-token", b"[]"])
@pytest.mark.parametrize("variable", ["IDENTITY_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"])
@pytest.mark.usefixtures("nobody")
def test_an_answer_that_is_no_token(
    azure: AzureLab, endpoint: Stub, monkeypatch: pytest.MonkeyPatch, variable: str, answer: bytes
) -> None:
    """Something else at the place of the login is neither a refusal nor a missing login, and is not repeated."""
    monkeypatch.delenv("HTTP_PROXY")
    if variable != "IDENTITY_ENDPOINT":
        monkeypatch.delenv("IDENTITY_ENDPOINT")
        monkeypatch.setenv(variable, endpoint.url)
    endpoint.body = answer
    error = refused(BackendUnavailable, lambda: read(azure.bare()), "example-token")
    assert f"{endpoint.url.removeprefix('http://')} did not answer like a login service" in error.message


@pytest.mark.usefixtures("nobody")
def test_a_refusal_that_cannot_be_read(azure: AzureLab, endpoint: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK repeats of a strange answer is left out."""
    monkeypatch.delenv("HTTP_PROXY")
    endpoint.status, endpoint.body = 400, b'{"example-body'
    refused(AccessDenied, lambda: read(azure.bare()), "example-body")


def test_a_login_that_cannot_be_reached(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers the login, that is "could not ask", worth ten seconds, and names the host."""
    closed = unused().replace("http:", "https:")
    error = refused(BackendUnavailable, lambda: read(azure.provider(authority=closed)), azure.server.client_secret)
    assert error.retry_for == 10
    assert closed.removeprefix("https://") in error.message
    assert "Connection refused" in error.message


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "expected",
    [
        {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"},
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://169.254.169.254"},
        {"IDENTITY_ENDPOINT": "http://169.254.129.2/msi/token", "IDENTITY_HEADER": "example-header"},
    ],
)
def test_an_identity_endpoint_that_cannot_be_reached(
    azure: AzureLab, monkeypatch: pytest.MonkeyPatch, expected: dict[str, str]
) -> None:
    """Where the environment says that there is one, that is no missing login: it may answer in a moment."""
    for name, value in expected.items():
        monkeypatch.setenv(name, value)
    error = refused(BackendUnavailable, lambda: read(azure.bare()), "example-header")
    assert error.retry_for == 10
    assert "169.254." in error.message
    assert "cannot be reached: Connection refused" in error.message


def test_a_netrc_does_not_log_in(azure: AzureLab) -> None:
    """What `~/.netrc` has for a vault's or any host is not sent in the place of the login, for reads as for writes."""
    netrc = Path(os.environ["HOME"], ".netrc")
    netrc.write_text("default login example password example-password\n")
    netrc.chmod(0o600)
    provider = azure.provider()
    assert read(provider) == "example-value"
    provider.write("api-keys", "example-new-value")
    assert len(list(provider.list(""))) == 1


def test_a_login_that_the_vault_refuses(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh token that the vault does not take is denied; there is no second login, and no third."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    azure.log_in(monkeypatch, "azure_cli")
    provider = azure.bare()
    renewals: list[str] = []
    provider.protect = lambda value, label: (renewals.append(label), azure.server.expire_tokens())
    error = refused(AccessDenied, lambda: read(provider))
    assert "AKV" in error.message
    assert renewals == ["Azure access token"]
