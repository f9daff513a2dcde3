"""The double of Azure Key Vault deletes as the service does: softly, in its own time, and with its conflicts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tacenda.testing import AzureKeyVault, azure_key_vault

POLL = {"_polling_interval": 0.02}


@pytest.fixture
def vault(key_vault: AzureKeyVault) -> AzureKeyVault:
    """A vault with one secret."""
    key_vault.reset()
    key_vault.put("api-keys", "example-old", tags={"owner": "example"})
    key_vault.put("api-keys", "example-value")
    return key_vault


@pytest.fixture
def sdk(vault: AzureKeyVault) -> Any:
    return vault.sdk


@pytest.fixture
def slow() -> Iterator[Any]:
    """A client of a vault in which a deletion is never through."""
    with azure_key_vault(deletion_delay=1e6) as running:
        running.put("api-keys", "example-value")
        yield running.client(retry_total=0)


def conflict(error: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int, str, str | None]:
    inner = error.value.error.innererror or {}
    return error.value.status_code, error.value.error.code, inner.get("code")


class TestDeletion:
    def test_the_answer(self, vault: AzureKeyVault, sdk: Any) -> None:
        """A deletion is answered with when it was, when it will be for good, and the way back; with no value."""
        deleted = sdk.begin_delete_secret("API-keys", **POLL).result()
        assert deleted.recovery_id == f"{vault.url}/deletedsecrets/api-keys"
        assert deleted.scheduled_purge_date - deleted.deleted_date == timedelta(days=90)
        assert (deleted.name, deleted.properties.recovery_level) == ("api-keys", "Recoverable+Purgeable")

    def test_it_takes_a_moment(self, vault: AzureKeyVault, sdk: Any) -> None:
        """The secret is gone at once, but among the deleted ones only after a moment: pollers have something to do."""
        poller = sdk.begin_delete_secret("api-keys", **POLL)
        for read in (sdk.get_secret, sdk.get_deleted_secret):
            with pytest.raises(ResourceNotFoundError):
                read("api-keys")
        poller.wait()
        assert sdk.get_deleted_secret("api-keys").name == "api-keys"
        assert len([request for request in vault.requests if request.startswith("GET /deletedsecrets/")]) >= 3

    def test_lists(self, sdk: Any) -> None:
        """A deleted secret has left one list and entered the other."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        assert list(sdk.list_properties_of_secrets()) == []
        assert [each.name for each in sdk.list_deleted_secrets()] == ["api-keys"]

    def test_the_name_is_taken(self, sdk: Any) -> None:
        """A deleted secret cannot be written again: 409 ObjectIsDeletedButRecoverable, in the service's words."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        with pytest.raises(ResourceExistsError, match="in a deleted but recoverable state, and its name") as error:
            sdk.set_secret("api-KEYS", "example-new")
        assert conflict(error) == (409, "Conflict", "ObjectIsDeletedButRecoverable")

    def test_while_it_lasts(self, slow: Any) -> None:
        """Until the deletion is through, writing, recovering and purging are 409 ObjectIsBeingDeleted."""
        slow.begin_delete_secret("api-keys")
        calls = (lambda: slow.set_secret("api-keys", "example-new"), lambda: slow.purge_deleted_secret("api-keys"))
        for call in (*calls, lambda: slow.begin_recover_deleted_secret("api-keys")):
            with pytest.raises(ResourceExistsError, match="currently being deleted") as error:
                call()
            assert conflict(error) == (409, "Conflict", "ObjectIsBeingDeleted")

    def test_twice(self, sdk: Any) -> None:
        """What is deleted cannot be deleted again: 404."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        with pytest.raises(ResourceNotFoundError):
            sdk.begin_delete_secret("api-keys")


class TestRecovery:
    def test_everything_is_back(self, sdk: Any) -> None:
        """A recovered secret has all its versions again."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        sdk.begin_recover_deleted_secret("api-keys", **POLL).wait()
        assert sdk.get_secret("api-keys").value == "example-value"
        assert len(list(sdk.list_properties_of_secret_versions("api-keys"))) == 2
        assert list(sdk.list_deleted_secrets()) == []

    def test_it_takes_a_moment(self, sdk: Any) -> None:
        """Until the recovery is through there is nothing to read, and the name is not free."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        poller = sdk.begin_recover_deleted_secret("api-keys", **POLL)
        with pytest.raises(ResourceNotFoundError):
            sdk.get_secret("api-keys")
        with pytest.raises(ResourceExistsError) as error:
            sdk.set_secret("api-keys", "example-new")
        assert conflict(error) == (409, "Conflict", "ObjectIsBeingRecovered")
        poller.wait()

    def test_of_what_is_not_deleted(self, sdk: Any) -> None:
        """There is nothing to recover or purge of a secret that is there: 404."""
        for call in (sdk.begin_recover_deleted_secret, sdk.purge_deleted_secret):
            with pytest.raises(ResourceNotFoundError, match="Deleted Secret not found: api-keys"):
                call("api-keys")


class TestPurge:
    def test_for_good(self, sdk: Any) -> None:
        """A purged secret cannot be recovered."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        sdk.purge_deleted_secret("api-keys")
        assert list(sdk.list_deleted_secrets()) == []
        with pytest.raises(HttpResponseError):
            sdk.begin_recover_deleted_secret("api-keys")

    def test_the_name_is_free_after_a_moment(self, sdk: Any) -> None:
        """Once the purge is through, a new secret can have the name, and has nothing of the old one."""
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        sdk.purge_deleted_secret("api-keys")
        with pytest.raises(ResourceExistsError) as error:
            sdk.set_secret("api-keys", "example-new")
        assert conflict(error) == (409, "Conflict", "ObjectIsBeingDeleted")
        retry(lambda: sdk.set_secret("api-keys", "example-new"))
        assert len(list(sdk.list_properties_of_secret_versions("api-keys"))) == 1

    def test_protection(self) -> None:
        """With purge protection nobody can purge, and properties say so."""
        with azure_key_vault(purge_protection=True, retention_days=7) as protected:
            sdk = protected.client(retry_total=0)
            level = sdk.set_secret("api-keys", "example-value").properties
            assert (level.recovery_level, level.recoverable_days) == ("CustomizedRecoverable", 7)
            sdk.begin_delete_secret("api-keys", **POLL).wait()
            with pytest.raises(HttpResponseError, match="purge protection is enabled for this vault") as error:
                sdk.purge_deleted_secret("api-keys")
            assert error.value.status_code == 403


class TestBackup:
    def test_round(self, sdk: Any) -> None:
        """A backup brings a purged secret back, with all its versions and properties, under the same ids."""
        before = {each.id: each.tags for each in sdk.list_properties_of_secret_versions("api-keys")}
        backup = sdk.backup_secret("api-keys")
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        sdk.purge_deleted_secret("api-keys")
        retry(lambda: sdk.restore_secret_backup(backup))
        assert {each.id: each.tags for each in sdk.list_properties_of_secret_versions("api-keys")} == before
        assert sdk.get_secret("api-keys").value == "example-value"

    def test_says_nothing(self, sdk: Any) -> None:
        """Nobody can read a value in a backup."""
        assert b"example-value" not in sdk.backup_secret("api-keys")

    def test_over_something(self, sdk: Any) -> None:
        """A backup is not restored over a secret, whether it is there or deleted: 409."""
        backup = sdk.backup_secret("api-keys")
        with pytest.raises(ResourceExistsError, match="secret already exists or concurrent access"):
            sdk.restore_secret_backup(backup)
        sdk.begin_delete_secret("api-keys", **POLL).wait()
        with pytest.raises(ResourceExistsError, match="deleted but recoverable"):
            sdk.restore_secret_backup(backup)

    def test_of_nothing(self, sdk: Any) -> None:
        """What is not there cannot be backed up, and what is no backup not restored."""
        with pytest.raises(ResourceNotFoundError):
            sdk.backup_secret("missing")
        with pytest.raises(HttpResponseError) as error:
            sdk.restore_secret_backup(b"no backup")
        assert conflict(error) == (400, "BadParameter", None)


def retry(call: Any) -> None:
    for _ in range(500):
        try:
            call()
        except ResourceExistsError:
            continue
        return
    call()
