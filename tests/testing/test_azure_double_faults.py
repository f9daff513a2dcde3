"""The double of Azure Key Vault fails on request, in the ways of the service: roles, throttling, outages, tokens."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from tacenda.testing import AzureKeyVault, azure_key_vault

OFFICER, USER, READER = "Key Vault Secrets Officer", "Key Vault Secrets User", "Key Vault Reader"


@pytest.fixture
def vault(key_vault: AzureKeyVault) -> AzureKeyVault:
    """A vault with two secrets, one of them deleted."""
    key_vault.reset()
    key_vault.put("api-keys", "example-value")
    key_vault.put("gone", "example-value")
    key_vault.sdk.begin_delete_secret("gone", _polling_interval=0.02).wait()
    return key_vault


@pytest.fixture
def sdk(vault: AzureKeyVault) -> Any:
    return vault.sdk


OPERATIONS: dict[str, Any] = {
    "getSecret/action": lambda sdk: sdk.get_secret("api-keys"),
    "readMetadata/action": lambda sdk: list(sdk.list_properties_of_secrets()),
    "setSecret/action": lambda sdk: sdk.set_secret("api-keys", "example-new"),
    "update/action": lambda sdk: sdk.update_secret_properties("api-keys", tags={}),
    "delete": lambda sdk: sdk.begin_delete_secret("api-keys"),
    "recover/action": lambda sdk: sdk.begin_recover_deleted_secret("gone"),
    "purge/action": lambda sdk: sdk.purge_deleted_secret("gone"),
    "backup/action": lambda sdk: sdk.backup_secret("api-keys"),
    "restore/action": lambda sdk: sdk.restore_secret_backup(b"example"),
}


def refused(sdk: Any, operation: Any) -> tuple[int, str, str | None] | None:
    try:
        operation(sdk)
    except HttpResponseError as error:
        found = error.error
        return error.status_code, found.code, (found.innererror or {}).get("code")
    return None


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            (OFFICER, set(OPERATIONS)),
            (USER, {"getSecret/action", "readMetadata/action"}),
            (READER, {"readMetadata/action"}),
            ("", set()),
        ],
    )
    def test_who_may_do_what(self, vault: AzureKeyVault, sdk: Any, role: str, allowed: set[str]) -> None:
        """Each role allows its data actions and no others: 403 ForbiddenByRbac (S1.69)."""
        with vault.role(role):
            denied = {action for action, call in OPERATIONS.items() if (refused(sdk, call) or [0])[0] == 403}
        assert denied == set(OPERATIONS) - allowed

    def test_versions_and_deleted_secrets_are_metadata(self, vault: AzureKeyVault, sdk: Any) -> None:
        """A Key Vault Reader may list versions and look at deleted secrets, but read no value."""
        with vault.role(READER):
            assert len(list(sdk.list_properties_of_secret_versions("api-keys"))) == 1
            assert sdk.get_deleted_secret("gone").name == "gone"
            assert [each.name for each in sdk.list_deleted_secrets()] == ["gone"]

    def test_read_only(self, vault: AzureKeyVault, sdk: Any) -> None:
        """`read_only` is the role that people are told to give, inside the block only."""
        with vault.read_only():
            assert sdk.get_secret("api-keys").value == "example-value"
            with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
                sdk.set_secret("api-keys", "example-new")
        sdk.set_secret("api-keys", "example-new")

    def test_the_words(self, vault: AzureKeyVault, sdk: Any) -> None:
        """The message names caller, action and resource, as the service's does."""
        with vault.denied("api-keys"), pytest.raises(HttpResponseError) as error:
            sdk.get_secret("API-keys")
        message = error.value.error.message
        lines = [line.strip() for line in message.splitlines()]
        assert lines[0] == "Caller is not authorized to perform action on resource."
        assert lines[2].startswith(f"Caller: appid={vault.client_id};oid=")
        assert lines[2].endswith(f";iss=https://sts.windows.net/{vault.tenant_id}/")
        assert lines[3] == "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"
        assert lines[4].endswith("/providers/microsoft.keyvault/vaults/tacenda/secrets/api-keys'")

    def test_denied_names(self, vault: AzureKeyVault, sdk: Any) -> None:
        """Denied are the named secrets only, whether they exist or not; others and lists are not."""
        vault.put("other", "example-value")
        with vault.denied("API-KEYS"), vault.denied("missing"):
            for name in ("api-keys", "missing"):
                call = lambda client, name=name: client.get_secret(name)  # noqa: E731
                assert refused(sdk, call) == (403, "Forbidden", "ForbiddenByRbac")
            assert sdk.get_secret("other").value == "example-value"
            assert {each.name for each in sdk.list_properties_of_secrets()} == {"api-keys", "other"}
        assert sdk.get_secret("api-keys").value == "example-value"
        with pytest.raises(ResourceNotFoundError):
            sdk.get_secret("missing")

    def test_unknown_role(self, vault: AzureKeyVault) -> None:
        """A role that the double does not know is refused, with those that it does."""
        with pytest.raises(ValueError, match=OFFICER):
            vault.role("Owner")

    def test_role_from_the_start(self) -> None:
        """A vault may be made with a role."""
        with azure_key_vault(role=USER) as vault:
            assert refused(vault.client(), OPERATIONS["setSecret/action"]) == (403, "Forbidden", "ForbiddenByRbac")


class TestThrottling:
    def test_refusal(self, vault: AzureKeyVault, sdk: Any) -> None:
        """Too many requests is 429 Throttled, with how long to wait."""
        with vault.throttled(retry_after=7), pytest.raises(HttpResponseError, match="too many requests") as error:
            sdk.get_secret("api-keys")
        assert (error.value.status_code, error.value.error.code) == (429, "Throttled")
        assert error.value.response.headers["Retry-After"] == "7"
        assert sdk.get_secret("api-keys").value == "example-value"

    def test_without_advice(self, vault: AzureKeyVault, sdk: Any) -> None:
        """The service does not always say how long."""
        with vault.throttled(retry_after=None), pytest.raises(HttpResponseError) as error:
            sdk.get_secret("api-keys")
        assert "Retry-After" not in error.value.response.headers

    def test_the_sdk_waits_it_out(self, vault: AzureKeyVault) -> None:
        """After the given time the vault answers again: the SDK's retries get there."""
        patient = vault.client(retry_total=20, retry_status=20)
        patient.get_secret("api-keys")
        vault.requests.clear()
        with vault.throttled(0.2, retry_after=0.05):
            assert patient.get_secret("api-keys").value == "example-value"
        assert len(vault.requests) > 1

    def test_unavailable(self, vault: AzureKeyVault, sdk: Any) -> None:
        """A service that cannot answer says 503."""
        with vault.unavailable(retry_after=3), pytest.raises(HttpResponseError) as error:
            sdk.get_secret("api-keys")
        assert (error.value.status_code, error.value.error.code) == (503, "ServiceUnavailable")
        assert error.value.response.headers["Retry-After"] == "3"

    def test_slow(self, vault: AzureKeyVault, sdk: Any) -> None:
        """Answers can be held back, as by a network; requests of several threads wait side by side."""
        sdk.get_secret("api-keys")
        with vault.slow(0.2):
            start = time.monotonic()
            threads = [threading.Thread(target=sdk.get_secret, args=("api-keys",)) for _ in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert 0.2 <= time.monotonic() - start < 0.8


def test_expired_tokens() -> None:
    """Once tokens are expired, a client that still has one is 401 until it logs in anew: the SDK believes in it."""
    with azure_key_vault() as vault:
        vault.put("api-keys", "example-value")
        client = vault.client(retry_total=0)
        client.get_secret("api-keys")
        vault.expire_tokens()
        with pytest.raises(HttpResponseError) as error:
            client.get_secret("api-keys")
        assert (error.value.status_code, error.value.error.code) == (401, "Unauthorized")
        assert error.value.response.headers["WWW-Authenticate"].startswith("Bearer authorization=")
        assert vault.client(retry_total=0).get_secret("api-keys").value == "example-value"


class TestOutage:
    def test_down(self, vault: AzureKeyVault) -> None:
        """Nothing listens inside the block, also for a client with an open connection; then all is as it was."""
        sdk = vault.client(retry_total=0)
        sdk.get_secret("api-keys")
        with vault.down(), pytest.raises(AzureError):
            sdk.get_secret("api-keys")
        assert sdk.get_secret("api-keys").value == "example-value"

    def test_refused(self, vault: AzureKeyVault) -> None:
        """A new client is refused its connection, to the logins too."""
        sdk = vault.client(retry_total=0)
        with vault.down():
            with pytest.raises(AzureError, match="refused"):
                sdk.get_secret("api-keys")
            for url in (vault.url, vault.identity_url):
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))

    def test_a_request_under_way(self, vault: AzureKeyVault) -> None:
        """A request that waits for its answer when the vault goes down is cut off."""
        sdk = vault.client(retry_total=0)
        sdk.get_secret("api-keys")
        vault.requests.clear()
        errors: list[Exception] = []

        def read() -> None:
            try:
                sdk.get_secret("api-keys")
            except Exception as error:  # noqa: BLE001 - whichever it is
                errors.append(error)

        with vault.slow(0.5):
            thread = threading.Thread(target=read)
            thread.start()
            while not vault.requests:
                time.sleep(0.01)
            with vault.down():
                thread.join(0.4)
                assert errors
            thread.join()
        assert isinstance(errors[0], AzureError)


def test_many_at_once(vault: AzureKeyVault, sdk: Any) -> None:
    """Writers in several threads lose nothing: each version is there."""
    threads = [threading.Thread(target=sdk.set_secret, args=("busy", f"example-{number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(sdk.list_properties_of_secret_versions("busy"))) == 20
