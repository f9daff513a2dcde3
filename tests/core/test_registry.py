"""One table takes every orchestrator's names of providers and settings."""

from __future__ import annotations

import pytest

from tacenda import _registry, providers
from tacenda.errors import ConfigurationError
from tacenda.providers import Provider

NAMES = [
    ("env", "env"),
    ("local", "local"),
    ("files", "files"),
    ("vault", "vault"),
    ("hashicorp_vault", "vault"),
    ("hashicorp-vault", "vault"),
    ("aws", "aws_secretsmanager"),
    ("aws_secretsmanager", "aws_secretsmanager"),
    ("aws-secrets-manager", "aws_secretsmanager"),
    ("aws_secrets_manager", "aws_secretsmanager"),
    ("azure", "azure_keyvault"),
    ("azure_keyvault", "azure_keyvault"),
    ("az-key-vault", "azure_keyvault"),
    ("azure_key_vault", "azure_keyvault"),
    ("gcp", "gcp_secretmanager"),
    ("gcp_secretmanager", "gcp_secretmanager"),
    ("gcp-secret-manager", "gcp_secretmanager"),
    ("github", "github"),
    ("Vault", "vault"),
    ("shelf", "shelf"),
]


@pytest.mark.parametrize(("written", "canonical"), NAMES)
def test_names_of_providers(written, canonical):
    """FlowyML's, Metaflow's and ZenML's names are one provider each, `-` and `_` equal (S1.13, C2)."""
    assert _registry.canonical(written) == canonical
    assert _registry.canonical(written.replace("_", "-")) == canonical


def test_tables_are_sorted_and_consistent():
    """Every alias leads to a provider, and none shadows one."""
    assert list(_registry.PROVIDERS) == sorted(_registry.PROVIDERS)
    assert list(_registry._PROVIDER_ALIASES) == sorted(_registry._PROVIDER_ALIASES)
    assert set(_registry._PROVIDER_ALIASES.values()) <= set(_registry.PROVIDERS)
    assert not set(_registry._PROVIDER_ALIASES) & set(_registry.PROVIDERS)
    assert set(_registry._SETTING_ALIASES) <= set(_registry.PROVIDERS)


@pytest.mark.parametrize(
    ("provider", "written", "setting"),
    [
        ("vault", "url", "vault_url"),
        ("vault", "mount_point", "vault_mount"),
        ("vault", "mount-point", "vault_mount"),
        ("vault", "vault-path", "vault_path"),
        ("vault", "path", "vault_path"),
    ],
)
def test_names_of_settings(provider, written, setting):
    """Settings carried over from another orchestrator keep working (C2)."""
    entry = _registry.entry({"provider": provider, written: "example"}, "here")
    assert entry.settings == {setting: "example"}


def test_setting_given_under_two_names_is_refused():
    """Two spellings of one setting cannot both be meant."""
    with pytest.raises(ConfigurationError, match="repeats the setting 'vault_url'"):
        _registry.entry({"provider": "vault", "url": "https://a", "vault_url": "https://b"}, "here")


def test_a_name_alone_is_an_entry():
    """`secrets: env` needs no mapping."""
    assert _registry.entry("env", "here") == _registry.Entry("env", {})


@pytest.mark.parametrize(("written", "near"), [("vualt", "vault"), ("aws-secretmanager", "aws_secretsmanager")])
def test_unknown_provider_suggests_the_nearest(written, near):
    """The error lists the providers that there are, plug-ins included."""
    with pytest.raises(ConfigurationError, match=f"did you mean '{near}'") as caught:
        _registry.canonical(written)
    assert "shelf" in caught.value.hint


@pytest.mark.parametrize("name", _registry.PROVIDERS)
def test_every_provider_of_the_table_is_there(name):
    """Each canonical name has a class, whose references begin with the name of its module."""
    assert _registry.provider_class(name).backend == _registry.PROVIDERS[name][0]


def test_broken_provider_module_is_not_hidden(monkeypatch, workplace):
    """A provider whose own import fails is not reported as a missing provider."""
    (workplace / "broken.py").write_text("import example_that_is_not_there\n")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(workplace)])
    monkeypatch.setitem(_registry.PROVIDERS, "broken", ("broken", "BrokenProvider"))
    with pytest.raises(ModuleNotFoundError, match="example_that_is_not_there"):
        _registry.provider_class("broken")


def test_plugin_by_entry_point(shelf, shelf_store):
    """A provider of somebody else's distribution is used like ours."""
    shelf.put("api-keys", {"API_KEY": "example-key"})
    assert issubclass(_registry.provider_class("shelf"), Provider)
    assert shelf_store().get("api-keys", "API_KEY") == "example-key"


def test_plugin_settings_are_checked_like_ours():
    """A plug-in declares its settings, and others are refused."""
    with pytest.raises(ConfigurationError, match="shelf: `shlf` is not a setting; did you mean 'shelf'"):
        _registry.entry({"provider": "shelf", "shlf": "x"}, "here")


def test_plugin_in_a_process_of_its_own(python):
    """An installed distribution is enough: nobody has to import the plug-in."""
    code = """
import sys, tacenda
store = tacenda.open_store(config={"stacks": {"dev": {"secrets": {"provider": "shelf"}}}})
store.set("token", "example-token")
print(store.get("token") == "example-token", store.get("shelf://token") == "example-token")
"""
    assert python(code) == "True True\n"


def test_document_and_prefix_exclude_each_other(shelf_store):
    """One document and one prefix cannot both say what a name means."""
    with pytest.raises(ConfigurationError, match="'document' and 'prefix' exclude each other"):
        shelf_store({"document": "ml/training", "prefix": "x/"})


def test_a_token_in_a_file_is_told_where_it_belongs():
    """FlowyML's `vault_token` is a credential: in a file it is refused as one, not taken for a typing error."""
    with pytest.raises(ConfigurationError) as caught:
        _registry.entry({"provider": "vault", "vault_token": "example-token"}, "here")
    assert "did you mean" not in str(caught.value)
    assert "environment variable" in str(caught.value)
    assert "example-token" not in str(caught.value)
