"""Names in Key Vault, which has no `_` and does not tell upper from lower case; and which vaults may be asked."""

from __future__ import annotations

import re

import pytest
from azure_lab import AzureLab, read
from hypothesis import given
from hypothesis import strategies as st

from tacenda._reference import parse_reference
from tacenda.errors import ConfigurationError, Conflict, InvalidReference
from tacenda.providers._azure_names import NAME_TAG, azure_name, name_in_list, owner, refuse_other
from tacenda.providers._azure_vault import authority_of, configured_host, known_host
from tacenda.testing._conformance._base import refused

NAMES = st.from_regex(r"[0-9A-Za-z_-]{1,127}", fullmatch=True)
PREFIXES = st.from_regex(r"[0-9A-Za-z_-]{0,20}", fullmatch=True)

# -- the mapping -------------------------------------------------------------------------------------


@given(NAMES)
def test_what_is_written_is_listed(name: str) -> None:
    """A name comes back from the vault to the letter, whatever the vault's spelling of it."""
    found = azure_name(name)
    assert re.fullmatch(r"[0-9A-Za-z-]+", found)
    assert name_in_list(found, {NAME_TAG: name}, "") == name
    refuse_other(name, found, {NAME_TAG: name})


@given(PREFIXES, NAMES)
def test_what_az_wrote_is_listed_as_it_is_read(prefix: str, rest: str) -> None:
    """A secret without our tag is listed under a name of the stack that leads back to it."""
    found = azure_name(prefix + rest)
    listed = name_in_list(found, None, prefix)
    assert listed is not None
    assert listed.startswith(prefix)
    assert azure_name(listed).lower() == found.lower()


@given(NAMES, NAMES)
def test_two_names_never_share_a_secret(first: str, second: str) -> None:
    """What was written under one name is refused under every other that the vault cannot tell from it."""
    found = azure_name(first)
    if azure_name(second).lower() == found.lower() and first != second:
        with pytest.raises(Conflict):
            refuse_other(second, found, {NAME_TAG: first})


@given(NAMES, st.text())
def test_a_tag_that_means_another_secret_counts_for_nothing(name: str, tag: str) -> None:
    """Tags are copied by people and scripts: only one that can mean this secret names its owner."""
    found = azure_name(name)
    assert owner(found, {NAME_TAG: tag}) in {None, tag}
    assert owner(f"x{found}"[:127], {NAME_TAG: name}) is None or found == f"x{found}"[:127]


@pytest.mark.parametrize("name", ["a/b", "a.b", "a b", "é", "x" * 128, "_" * 128])
def test_other_names_are_refused(azure: AzureLab, name: str) -> None:
    """What Key Vault could only hold under a changed name is refused, in words that say what is legal."""
    assert "letters, digits and -" in str(refused(InvalidReference, lambda: azure.provider().path_of(name)))
    assert azure.data() == []


# -- collisions --------------------------------------------------------------------------------------


def test_az_and_tacenda_mean_the_same_secret(azure: AzureLab) -> None:
    """`az keyvault secret set --name DB-PASSWORD` is `DB_PASSWORD` here, and the other way round (S1.34)."""
    azure.client.set_secret("DB-PASSWORD", "from az")
    store = azure.store()
    assert store.get("DB_PASSWORD") == "from az"
    store.set("API_KEY", "from tacenda")
    assert azure.client.get_secret("API-KEY").value == "from tacenda"
    assert sorted(info.name for info in store.list()) == ["API_KEY", "DB-PASSWORD"]


def test_names_keep_their_original(azure: AzureLab) -> None:
    """The vault's spelling is nobody's business: list and info show the name, and not the tag that keeps it."""
    store = azure.store(prefix="ml_")
    store.set("DB_PASSWORD", "example", tags={"owner": "team"})
    assert [(info.name, info.tags) for info in store.list()] == [("DB_PASSWORD", {"owner": "team"})]
    assert store.info("DB_PASSWORD").name == "DB_PASSWORD"
    assert store.info("DB_PASSWORD").tags == {"owner": "team"}
    assert azure.client.get_secret("ml-DB-PASSWORD").properties.tags == {"owner": "team", NAME_TAG: "ml_DB_PASSWORD"}


@pytest.mark.parametrize("other", ["DB-PASSWORD", "db_password", "Db-Password"])
def test_another_name_of_the_same_secret(azure: AzureLab, other: str) -> None:
    """A second name is refused for reading, writing and deleting, names the first one, and changes nothing."""
    store = azure.store()
    store.set("DB_PASSWORD", "example-first")
    for call in (
        lambda: store.get(other),
        lambda: store.get(other, default=None),
        lambda: store.info(other),
        lambda: store.set(other, "example-second"),
        lambda: store.delete(other),
    ):
        error = refused(Conflict, call, "example-first", "example-second")
        assert "'DB_PASSWORD'" in error.message
        assert f"azure://{azure_name(other)}" in str(error.hint)
    assert store.get("DB_PASSWORD") == "example-first"


def test_a_deleted_secret_of_another_name_stays_deleted(azure: AzureLab) -> None:
    """A write never recovers what somebody deleted under another name."""
    store = azure.store()
    store.set("DB_PASSWORD", "example")
    store.delete("DB_PASSWORD")
    refused(Conflict, lambda: store.set("DB-PASSWORD", "example-second"), "example-second")
    assert not list(azure.client.list_properties_of_secrets())


@pytest.mark.parametrize("pair", [("my_key", "my-key"), ("MY-KEY", "my-key")])
def test_two_names_at_once(azure: AzureLab, pair: tuple[str, str]) -> None:
    """`get_many` says that two names are one secret of the vault, also where nobody's tag is on it."""
    azure.client.set_secret("my-key", "example-value")
    error = refused(Conflict, lambda: azure.store().get_many(pair), "example-value")
    assert all(repr(name) in error.message for name in pair)


# -- references --------------------------------------------------------------------------------------


def test_secret_urls(azure: AzureLab) -> None:
    """A full URL, with a version or without, reads the vault's own name, whatever its tag says (S1.36, S1.37)."""
    first = azure.server.put("api-keys", "first", version="abc123", tags={NAME_TAG: "API_KEYS"})
    azure.server.put("api-keys", "second", tags={NAME_TAG: "API_KEYS"})
    store, url = azure.store(), f"{azure.server.url}/secrets/api-keys"
    assert store.get(url) == "second"
    assert store.get(f"{url}/{first}") == "first"
    assert store.get(f"ref+azure://{azure.host}/api-keys?version={first}") == "first"


def test_references_into_the_configured_vault(azure: AzureLab) -> None:
    """`azure://NAME` is the vault's own name where that is legal, else the name that tacenda wrote; no prefix."""
    store = azure.store(prefix="ml-")
    azure.client.set_secret("api-keys", '{"API_KEY": "example"}')
    assert store.get("azure://api-keys#API_KEY") == "example"
    azure.store().set("DB_PASSWORD", "example-two")
    assert store.get("azure://DB-PASSWORD") == store.get("azure://DB_PASSWORD")


def test_writing_by_reference(azure: AzureLab) -> None:
    """A write to the vault's own name keeps the original name that is on it."""
    store = azure.store()
    store.set("DB_PASSWORD", "first", tags={"owner": "team"})
    store.set("azure://DB-PASSWORD", "second")
    assert store.get("DB_PASSWORD") == "second"
    assert store.info("DB_PASSWORD").tags == {"owner": "team"}
    store.delete("azure://DB-PASSWORD")
    assert store.get("DB_PASSWORD", default=None) is None


@pytest.mark.parametrize("path", ["a/b/c", "my-vault.vault.azure.net/a_b", "my-vault.vault.azure.net/"])
def test_references_that_name_nothing(azure: AzureLab, path: str) -> None:
    """A reference has at most a vault's host and a legal name."""
    refused(InvalidReference, lambda: azure.store().get(f"azure://{path}"))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "vault.azure.net",
        "vault.azure.net.example.com",
        "a.b.vault.azure.net",
        "evil.example.com%5C.vault.azure.net",
        "me@evil.example.com",
        "my-vault.vault.azure.net:8443",
        "127.0.0.1:1",
        "my-vault.privatelink.vaultcore.azure.net",
    ],
)
def test_a_planted_host_gets_no_token(azure: AzureLab, host: str) -> None:
    """Only Azure's own vaults and the configured one are ever asked: nothing is sent, not even a login."""
    store = azure.store()
    error = refused(InvalidReference, lambda: store.get(f"azure://{host}/api-keys"))
    assert "nothing is asked there" in error.message
    assert azure.server.requests == []


@given(st.from_regex(r"[a-z][a-z0-9-]{1,22}[a-z0-9]", fullmatch=True), st.sampled_from(["net", "NET"]))
def test_azures_own_vaults_may_be_asked(name: str, end: str) -> None:
    """Every vault of Azure's is a vault, in upper or lower case, with its port or without."""
    assert known_host(f"{name}.vault.azure.{end}:443", None) == f"{name}.vault.azure.net"


@given(st.text(max_size=40))
def test_nothing_else_may_be_asked(host: str) -> None:
    """No other text is taken for a host."""
    with pytest.raises(InvalidReference):
        known_host(host, "127.0.0.1:8443")


def test_labels_can_be_pasted_back(azure: AzureLab) -> None:
    """What messages and the audit call a secret leads back to it."""
    provider = azure.provider()
    for reference in (f"{azure.server.url}/secrets/API-Keys", "https://my-vault.vault.azure.cn/secrets/API-Keys"):
        parsed = parse_reference(reference)
        assert parsed is not None
        place = provider.place_of(parsed)
        again = parse_reference(provider.label(place))
        assert again is not None
        assert provider.place_of(again).path == place.path.lower()


# -- the vault's address -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://my-vault.vault.azure.net", "my-vault.vault.azure.net"),
        ("https://My-Vault.vault.azure.net:443/", "my-vault.vault.azure.net"),
        ("my-vault.vault.azure.net", "my-vault.vault.azure.net"),
        ("my-vault", "my-vault.vault.azure.net"),
        ("https://vault.local.azurestack.external:8443", "vault.local.azurestack.external:8443"),
    ],
)
def test_addresses(url: str, host: str) -> None:
    """A vault is named by its URL, its host, or in Azure by its bare name, as ZenML's `key_vault_name` does (S1.30)."""
    assert configured_host({"vault_url": url}) == host


@pytest.mark.parametrize(
    "url",
    [
        "http://my-vault.vault.azure.net",
        "http://127.0.0.1:8443",
        "https://",
        "https://v/secrets/x",
        "https://v?x=1",
        "a b",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    """Anything else is refused before a login is sent anywhere: no http, not even on loopback."""
    refused(ConfigurationError, lambda: configured_host({"vault_url": url}))


def test_credentials_in_the_address() -> None:
    """An address with a password in it is refused without repeating it."""
    error = refused(ConfigurationError, lambda: configured_host({"vault_url": "https://me:example-pw@v"}))
    assert "holds credentials" in str(error)
    assert "example-pw" not in str(error)


def test_no_address(azure: AzureLab) -> None:
    """Without `vault_url` the message names it (S0.15); a reference that names its vault needs none."""
    provider = azure.bare(vault_url=None)
    for call in (lambda: read(provider), provider.check, lambda: list(provider.list(""))):
        assert "'vault_url'" in refused(ConfigurationError, call).message
    reference = parse_reference("https://my-vault.vault.azure.net/secrets/x")
    assert reference is not None
    assert provider.place_of(reference).path == "my-vault.vault.azure.net/x"


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("v.vault.azure.net", "login.microsoftonline.com"),
        ("v.vault.azure.cn", "login.chinacloudapi.cn"),
        ("v.vault.usgovcloudapi.net", "login.microsoftonline.us"),
        ("vault.local.azurestack.external", None),
    ],
)
def test_sovereign_clouds(monkeypatch: pytest.MonkeyPatch, host: str, authority: str | None) -> None:
    """Each cloud's vaults have their own login; the setting, then AZURE_AUTHORITY_HOST, come before it."""
    assert authority_of(host, {}) == authority
    assert authority_of(host, {"authority": "login.example.com"}) == "login.example.com"
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.example.com")
    assert authority_of(host, {}) is None


def test_a_bare_name_is_in_the_cloud_that_one_logs_in_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """In China and for the US government a bare name means a vault there."""
    assert configured_host({"vault_url": "v", "authority": "login.chinacloudapi.cn"}) == "v.vault.azure.cn"
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")
    assert configured_host({"vault_url": "v"}) == "v.vault.usgovcloudapi.net"
