"""The page's flow on Azure Key Vault, with its variable, its commands and its role: the double, at the page's address.

The flow asks `https://myvault.vault.azure.net`; a proxy leads there, certificate and domain are checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from beyond_the_page import digest
from internet import Internet
from page_flows import SECRET, Finished, run_page, succeeded

from tacenda.testing import AzureKeyVault, azure_key_vault

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

VAULT = "myvault.vault.azure.net"
OLD, NEW, PASSWORD, TOKEN = (SECRET % (kind, "azure") for kind in ("old", "new", "password", "token"))
CREDENTIALS = json.dumps({"HOST": "db.example", "PASSWORD": PASSWORD}, indent=2) + "\n"


@pytest.fixture(scope="module")
def vault() -> Iterator[AzureKeyVault]:
    with azure_key_vault(names=("127.0.0.1", VAULT)) as running:
        yield running


@pytest.fixture(scope="module")
def variables(vault: AzureKeyVault) -> Iterator[dict[str, str]]:
    """The page's only variable, the login of a machine in Azure, and the way to the vault."""
    port = int(vault.url.rpartition(":")[2])
    with Internet({f"{VAULT}:443": port}, vault.ca_cert) as internet:
        login = vault.environment("managed_identity")
        yield {**login, **internet.environment(), "METAFLOW_AZURE_KEY_VAULT_PREFIX": f"https://{VAULT}"}


@pytest.fixture(scope="module")
def runs(vault: AzureKeyVault, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Finished]:
    """The flow, twice, under the page's role alone; what `az keyvault secret set` writes is rotated in between."""
    directory, client = tmp_path_factory.mktemp("azure"), vault.client()
    # The version that the page names: a real vault makes longer ones up.
    vault.put("api-keys", json.dumps({"API_KEY": OLD}), version="abc123")
    client.set_secret("db-credentials", CREDENTIALS, tags={"file-encoding": "utf-8"})  # --file credentials.json
    client.set_secret("my-token", TOKEN)
    with vault.role("Key Vault Secrets User"):
        before = succeeded(run_page("azure_flow.py", directory, **variables))
    client.set_secret("api-keys", json.dumps({"API_KEY": NEW}))  # --value '{…}'
    with vault.role("Key Vault Secrets User"):
        return [before, succeeded(run_page("azure_flow.py", directory, **variables))]


def test_the_code_of_the_page(runs: list[Finished]):
    """The prefix alone selects Azure; a JSON value is the secret and has keys (S1.8, S1.30 to S1.34).

    Its role alone is enough (S1.69).
    """
    assert runs[0].told("start") == {
        "step": "start",
        "api_key": digest({"API_KEY": OLD}),
        "key": digest(OLD),
    }


def test_other_secrets(runs: list[Finished]):
    """A file of several lines has keys, a text is itself, a `str` (S1.32, S1.33, S1.35)."""
    told = runs[0].told("others")
    assert told["password"] == digest(PASSWORD)
    assert (told["is_text"], told["token"]) == (True, digest(TOKEN))


def test_rotation_and_versions(runs: list[Finished]):
    """A new value is the next run's (S1.51, S1.52); the page's URL with a version keeps the old one (S1.36, S1.37)."""
    assert [run.told("start")["key"] for run in runs] == [digest(OLD), digest(NEW)]
    assert [run.told("versioned_secret")["key"] for run in runs] == [digest(OLD), digest(OLD)]


def test_nothing_is_left(runs: list[Finished]):
    """No value is in what the flow prints or in what Metaflow keeps of it; a step without secrets has none (S1.55)."""
    assert [run.leaks(OLD, NEW, PASSWORD, TOKEN) for run in runs] == [[], []]
    assert all("key: [masked]\n" in run.output for run in runs)
    assert runs[0].told("end")["without"] is True


def test_denied_and_missing(vault: AzureKeyVault, variables: dict[str, str], tmp_path: Path, runs: list[Finished]):
    """Who may not read hears so, with the command that shows the access; it reads unlike "missing" (S1.73, S1.76)."""
    with vault.denied("api-keys"):
        denied = run_page("azure_flow.py", tmp_path, **variables)
    vault.reset()
    missing = run_page("azure_flow.py", tmp_path, **variables)
    assert denied.code == missing.code == 1
    assert "az keyvault secret show --vault-name myvault --name api-keys" in denied.output
    assert "az keyvault secret list --vault-name myvault" in missing.output
    assert "not authorized" in denied.output
    assert "not authorized" not in missing.output
