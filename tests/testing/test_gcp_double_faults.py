"""Permissions and faults of the Secret Manager double: the service's codes, words and details, as long as asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions

from tacenda.testing import GcpSecretManager, gcp_secret_manager

PARENT = "projects/example-project"


@pytest.fixture(scope="module")
def running() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager() as server:
        yield server


@pytest.fixture
def server(running: GcpSecretManager) -> GcpSecretManager:
    """The server with two secrets in it: `api-keys` and `other`."""
    running.reset()
    operator = running.client()
    for name in ("api-keys", "other"):
        operator.create_secret(parent=PARENT, secret_id=name, secret={"replication": {"automatic": {}}})
        operator.add_secret_version(parent=f"{PARENT}/secrets/{name}", payload={"data": name.encode()})
    return running


@pytest.fixture
def client(server: GcpSecretManager) -> Any:
    return server.client("service_account")


def access(client: Any, name: str = "api-keys") -> bytes:
    """Read a secret once: without the SDK's own retries."""
    version = f"{PARENT}/secrets/{name}/versions/latest"
    return client.access_secret_version(name=version, retry=None, timeout=10).payload.data


def everything_else(client: Any) -> dict[str, Callable[[], Any]]:
    """Return a call of each method but AccessSecretVersion, by the permission that it needs."""
    name = f"{PARENT}/secrets/api-keys"
    return {
        "secrets.list": lambda: client.list_secrets(parent=PARENT),
        "secrets.create": lambda: client.create_secret(parent=PARENT, secret_id="new", secret={}),
        "secrets.get": lambda: client.get_secret(name=name),
        "secrets.update": lambda: client.update_secret(secret={"name": name}, update_mask={"paths": ["labels"]}),
        "secrets.delete": lambda: client.delete_secret(name=name),
        "versions.add": lambda: client.add_secret_version(parent=name, payload={"data": b"x"}),
        "versions.list": lambda: client.list_secret_versions(parent=name),
        "versions.get": lambda: client.get_secret_version(name=f"{name}/versions/1"),
        "versions.enable": lambda: client.enable_secret_version(name=f"{name}/versions/1"),
        "versions.disable": lambda: client.disable_secret_version(name=f"{name}/versions/1"),
        "versions.destroy": lambda: client.destroy_secret_version(name=f"{name}/versions/1"),
    }


class TestPermissions:
    def test_the_accessor_can_access_and_nothing_else(self, server: GcpSecretManager, client: Any) -> None:
        """With Secret Accessor alone every method but AccessSecretVersion is PERMISSION_DENIED (claim S1.71)."""
        with server.only_access():
            assert access(client) == b"api-keys"
            for permission, call in everything_else(client).items():
                with pytest.raises(exceptions.PermissionDenied, match=f"'secretmanager.{permission}' denied"):
                    call()
        client.get_secret(name=f"{PARENT}/secrets/api-keys")

    def test_what_is_missing_is_not_told_from_what_is_denied(self, server: GcpSecretManager, client: Any) -> None:
        """Who may read nothing gets the same refusal for what exists and for what does not."""
        with server.roles():
            for name in ("api-keys", "missing"):
                with pytest.raises(exceptions.PermissionDenied) as caught:
                    access(client, name)
                assert caught.value.message == (
                    "Permission 'secretmanager.versions.access' denied for resource "
                    f"'projects/example-project/secrets/{name}/versions/latest' (or it may not exist)."
                )
                assert caught.value.reason == "IAM_PERMISSION_DENIED"
                assert caught.value.metadata["permission"] == "secretmanager.versions.access"
        with server.only_access(), pytest.raises(exceptions.NotFound):
            access(client, "missing")

    def test_roles_of_the_project(self, server: GcpSecretManager, client: Any) -> None:
        """A viewer sees secrets and versions but no payload; a version adder only adds; unknown roles are a mistake."""
        name = f"{PARENT}/secrets/api-keys"
        with server.roles("roles/secretmanager.viewer"):
            assert len(list(client.list_secrets(parent=PARENT))) == 2
            assert client.get_secret_version(name=f"{name}/versions/1").state.name == "ENABLED"
            with pytest.raises(exceptions.PermissionDenied):
                access(client)
        with server.roles("roles/secretmanager.secretVersionAdder"):
            client.add_secret_version(parent=name, payload={"data": b"two"})
            with pytest.raises(exceptions.PermissionDenied):
                client.get_secret(name=name)
        with pytest.raises(ValueError, match="unknown role 'roles/none'"):
            server.roles("roles/none")

    def test_denied_concerns_the_named_secrets(self, server: GcpSecretManager, client: Any) -> None:
        """`denied` refuses what it names, by id or full name, and no more; without names everything."""
        for name in ("api-keys", f"{PARENT}/secrets/api-keys"):
            with server.denied(name):
                with pytest.raises(exceptions.PermissionDenied):
                    access(client)
                assert access(client, "other") == b"other"
        with server.denied(), pytest.raises(exceptions.PermissionDenied):
            client.list_secrets(parent=PARENT)
        assert access(client) == b"api-keys"


class TestOutages:
    def test_throttled(self, server: GcpSecretManager, client: Any) -> None:
        """RESOURCE_EXHAUSTED names the quota in the service's words; RetryInfo is there if asked for."""
        with server.throttled(), pytest.raises(exceptions.ResourceExhausted) as caught:
            access(client)
        number = caught.value.message.rpartition("project_number:")[2].rstrip("'.")
        assert caught.value.message == (
            "Quota exceeded for quota metric 'Access requests' and limit 'Access requests per minute' of service "
            f"'secretmanager.googleapis.com' for consumer 'project_number:{number}'."
        )
        assert caught.value.reason == "RATE_LIMIT_EXCEEDED"
        assert len(caught.value.details) == 1
        with server.throttled(retry_after=1.5), pytest.raises(exceptions.ResourceExhausted) as caught:
            client.get_secret(name=f"{PARENT}/secrets/api-keys")
        assert "'Read requests'" in caught.value.message
        assert caught.value.details[1].retry_delay.ToMilliseconds() == 1500

    def test_faults_end_by_themselves_or_with_their_block(self, server: GcpSecretManager, client: Any) -> None:
        """A fault lasts as many seconds as it was given, or until its block or `end`."""
        fault = server.throttled(0.2)
        with pytest.raises(exceptions.ResourceExhausted):
            access(client)
        time.sleep(0.25)
        assert access(client) == b"api-keys"
        fault.end()
        fault = server.unavailable(60)
        with pytest.raises(exceptions.ServiceUnavailable):
            access(client)
        fault.end()
        fault.end()
        assert access(client) == b"api-keys"

    def test_the_sdk_gets_over_a_short_outage(self, server: GcpSecretManager, client: Any) -> None:
        """UNAVAILABLE is what the SDK's default retry of AccessSecretVersion waits out."""
        server.unavailable(0.5)
        server.calls.clear()
        name = f"{PARENT}/secrets/api-keys/versions/1"
        assert client.access_secret_version(name=name).payload.data == b"api-keys"
        assert len(server.calls) > 1

    def test_the_operator_meets_no_fault(self, server: GcpSecretManager) -> None:
        """The client without a login prepares and looks at things whatever is wrong for the others."""
        with server.denied(), server.throttled(), server.unavailable(), server.roles():
            assert access(server.client()) == b"api-keys"

    def test_down_and_back(self, server: GcpSecretManager, client: Any) -> None:
        """Inside the block nothing listens; after it the server is there again on its port, with its data."""
        endpoint = server.endpoint
        for _ in range(3):
            with server.down():
                started = time.monotonic()
                with pytest.raises(exceptions.ServiceUnavailable, match="failed to connect"):
                    access(client)
                assert time.monotonic() - started < 5
            assert server.endpoint == endpoint
            assert access(server.client()) == b"api-keys"
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with suppress(exceptions.ServiceUnavailable):
                assert access(client) == b"api-keys"
                return
            time.sleep(0.05)
        pytest.fail("the client did not find the server again")

    def test_a_damaged_answer_does_not_match_its_checksum(self, server: GcpSecretManager, client: Any) -> None:
        """`corrupt` changes the payload on its way, not what is stored."""
        name = f"{PARENT}/secrets/api-keys/versions/1"
        with server.corrupt("api-keys"):
            payload = client.access_secret_version(name=name).payload
            assert len(payload.data) == len(b"api-keys")
            assert google_crc32c.value(payload.data) != payload.data_crc32c
            assert access(client, "other") == b"other"
        assert access(client) == b"api-keys"


def test_two_servers_have_nothing_in_common(server: GcpSecretManager) -> None:
    """Each server has its own port, secrets and tokens."""
    with gcp_secret_manager() as other:
        assert other.endpoint != server.endpoint
        assert list(other.client().list_secrets(parent=PARENT)) == []


def test_a_taken_port_is_told(server: GcpSecretManager) -> None:
    """A port that somebody listens on is an OSError with the address, not a second server on it."""
    for tls in (False, True):
        with pytest.raises(OSError, match=server.endpoint):
            gcp_secret_manager(tls=tls, port=int(server.endpoint.rpartition(":")[2]))
