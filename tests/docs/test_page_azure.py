"""The page on Azure is true: its stack, its settings, its roles, and each message that it explains, on the double."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cloud_page import Page, raised
from reader import TYPED, Reader, swap

from tacenda import open_store
from tacenda.errors import AccessDenied, SecretError
from tacenda.providers.azure import AzureProvider
from tacenda.testing import AzureKeyVault, azure_key_vault

PAGE = Page("azure")
[STACK], [CONSOLE] = PAGE.blocks("yaml"), PAGE.blocks("console")


def logged_in(vault: AzureKeyVault, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Log in as a machine's managed identity."""
    for name, value in {**vault.environment("managed_identity"), "HOME": str(home)}.items():
        monkeypatch.setenv(name, value)


def test_the_stack(reader: Reader, azure: AzureKeyVault):
    """Under the role of the page alone its stack and commands read what `az … set --file` stored (S1.34, S1.69)."""
    azure.put("api-keys", '{\n  "API_KEY": "example-key"\n}\n', tags={"file-encoding": "utf-8"})
    reader.writes("tacenda.yaml", swap(STACK, "https://my-vault.vault.azure.net", azure.url))
    reader.environment |= {**azure.environment("managed_identity"), "TACENDA_ADAPTERS": "none"}
    with azure.role("Key Vault Secrets User"):
        reader.runs(CONSOLE)


def test_settings():
    """The table has every setting of the provider and no other."""
    assert PAGE.settings() == set(AzureProvider.settings_help)


def test_the_role_is_enough(azure: AzureKeyVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Under Key Vault Secrets User every kind of read works and no write; the Officer may write (S1.68, S1.69)."""
    azure.put("api-keys", "example-key")
    logged_in(azure, monkeypatch, tmp_path)
    (tmp_path / "tacenda.yaml").write_text(swap(STACK, "https://my-vault.vault.azure.net", azure.url))
    with open_store(config=tmp_path / "tacenda.yaml") as store:
        with azure.role("Key Vault Secrets User"):
            assert store.get_many(["api-keys"]) == {"api-keys": "example-key"}
            assert store.info("api-keys").version
            assert [info.name for info in store.list()] == ["api-keys"]
            with pytest.raises(AccessDenied, match="setSecret"):
                store.set("api-keys", "example")
        with azure.role("Key Vault Secrets Officer"):
            store.set("api-keys", TYPED)
            store.delete("api-keys")
    assert 'az role assignment create --role "Key Vault Secrets User"' in PAGE.text


def test_rotation(azure: AzureKeyVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The newest version is read, earlier ones by their id and by their URL; writing brings a deleted secret back."""
    first = azure.put("api-keys", "example-1")
    azure.put("api-keys", "example-2\n")
    logged_in(azure, monkeypatch, tmp_path)
    (tmp_path / "tacenda.yaml").write_text(swap(STACK, "https://my-vault.vault.azure.net", azure.url))
    with open_store(config=tmp_path / "tacenda.yaml") as store:
        assert store.get("api-keys") == "example-2\n"
        assert store.get("api-keys", version=first) == "example-1"
        assert store.get(f"{azure.url}/secrets/api-keys/{first}") == "example-1"
        store.delete("api-keys")
        store.set("api-keys", "example-3")
        assert store.get("api-keys") == "example-3"
        assert store.get("api-keys", version=first) == "example-1"


def test_symptoms(azure: AzureKeyVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Whatever can go wrong, the message is in the table, once, and the table has no message that is never printed.

    Denied and missing are told apart; who was refused is in the message (S1.73, S1.75, S1.76).
    """

    def ask(does: str = "get", *value: object, name: str = "api-keys", **settings: object) -> SecretError:
        secrets = {"provider": "azure_keyvault", "vault_url": azure.url, **settings}
        secrets = {setting: value for setting, value in secrets.items() if value is not None}
        with open_store(config={"stacks": {"prod": {"secrets": secrets, "deadline": 0}}}) as store:
            return raised(lambda: getattr(store, does)(name, *value))

    logged_in(azure, monkeypatch, tmp_path)
    seen = [ask(vault_url=None), ask()]
    azure.put("api-keys", "{}")
    azure.put("off", "example")
    azure.disable("off")
    azure.put("DB-PASSWORD", "example", tags={"tacenda-name": "DB_PASSWORD"})
    seen += [ask(name="off"), ask(name="DB-PASSWORD"), ask("update", {"API_KEY": "example-key"})]
    with open_store(config={"stacks": {"prod": {"secrets": {"provider": "azure", "vault_url": azure.url}}}}) as other:
        other.get("api-keys")  # whose login serves meanwhile
        for fault in (azure.denied("api-keys"), azure.throttled(60), azure.unavailable(60), azure.down()):
            with fault:
                seen.append(ask())
    assert "az keyvault secret show" in seen[-4].hint
    assert "appid=" in seen[-4].message
    with azure_key_vault(deletion_delay=600) as slow:
        slow.put("api-keys", "example")
        logged_in(slow, monkeypatch, tmp_path)
        slow.client().begin_delete_secret("api-keys")
        seen.append(ask("set", "example", vault_url=slow.url))
    logged_in(azure, monkeypatch, tmp_path)
    PAGE.explains([*seen, *without_login(azure, ask, monkeypatch, tmp_path)])


def without_login(azure: AzureKeyVault, ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[SecretError]:
    """Return what is said where the login fails: the authority is not known, the secret is wrong, there is none."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    seen = [ask()]
    for name, value in azure.environment("service_principal").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "example-expired")
    seen.append(ask(disable_instance_discovery=True))
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # no metadata service either
    monkeypatch.setenv("PATH", str(tmp_path))  # no `az`
    return [*seen, ask()]
