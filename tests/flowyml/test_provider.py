"""What a provider does: get, set, list and delete, exactly, and with errors instead of silent losses."""

from __future__ import annotations

import importlib
import json
import os
import threading
from typing import Any

import pytest

from tacenda import Secret
from tacenda.errors import AccessDenied, BackendUnavailable, SecretLeak, SecretNotFound, Unsupported
from tacenda.masking import find_leaks
from tacenda.testing import openbao, override

pytestmark = pytest.mark.flowyml


@pytest.fixture
def secrets(flowyml) -> Any:
    return importlib.import_module("flowyml.stacks.enterprise.secrets")


@pytest.fixture(params=["env", "local", "vault"])
def provider(request, secrets, tmp_path, monkeypatch) -> Any:
    """A provider on each backend, with three secrets in it."""
    stored = {"A": "example-a", "B": "example-b", "C": "example-c"}
    if request.param == "env":
        for name, value in stored.items():
            monkeypatch.setenv(f"ML_{name}", value)
        monkeypatch.setenv("ML_NEW", "so that it is removed")
        del os.environ["ML_NEW"]
        section = {"provider": "env", "prefix": "ML_"}
    elif request.param == "local":
        (tmp_path / "conf.json").write_text(json.dumps(stored))
        section = {"provider": "local", "path": "conf.json"}
    else:
        document = request.getfixturevalue("document")
        section = {**request.getfixturevalue("vault"), "vault_path": document(**stored)}
    return secrets.get_secrets_provider({"secrets": section})


def test_interface(provider, secrets, request):
    """Every provider has FlowyML's interface, which its protocol can tell (S0.1, S0.51)."""
    assert isinstance(provider, secrets.SecretsProvider)
    assert provider.provider_name in ("env", "local", "vault")
    assert "example" not in repr(provider)


def test_get(provider):
    """What is there is a text, masked from then on; what is not there is None (S0.48, S0.52)."""
    value = provider.get_secret("A")
    assert (value, repr(value), type(value)) == ("example-a", "<Secret [masked]>", Secret)
    assert provider.get_secret("missing") is None
    assert provider.get_secrets(["B", "missing"]) == {"B": "example-b", "missing": None}
    assert find_leaks("example-a")
    with pytest.raises(SecretLeak):
        __import__("pickle").dumps(value)


def test_set(provider):
    """Writing one secret leaves the others alone, and is read back at once (S0.55, S0.57)."""
    assert provider.get_secret("NEW") is None
    provider.set_secret("NEW", "example new = '\"#\n")
    provider.set_secret("A", "example-changed")
    assert provider.get_secrets(["NEW", "A", "B", "C"]) == {
        "NEW": "example new = '\"#\n",
        "A": "example-changed",
        "B": "example-b",
        "C": "example-c",
    }
    assert find_leaks("an example-changed value")


def test_list(provider):
    """The names are a sorted list of texts: of a document its keys (S0.58, S0.59)."""
    assert provider.list_secrets() == ["A", "B", "C"]


def test_delete(provider):
    """Deleting removes one key and not the document; what is missing is said (S0.61, S0.62)."""
    provider.delete_secret("B")
    assert provider.list_secrets() == ["A", "C"]
    assert provider.get_secret("B") is None
    with pytest.raises(SecretNotFound, match="B"):
        provider.delete_secret("B")


def test_env_is_written_for_this_process(secrets, monkeypatch):
    """`set_secret` of env sets the variable, as FlowyML's own does (C18)."""
    monkeypatch.setenv("NEW_KEY", "old")
    for provider in (secrets.get_secrets_provider({}), secrets.get_secrets_provider({"provider": "env"})):
        assert provider.get_secret("NEW_KEY") is not None
        provider.set_secret("NEW_KEY", "example-new")
        assert os.environ["NEW_KEY"] == provider.get_secret("NEW_KEY") == "example-new"


def test_override(secrets, monkeypatch):
    """In a user's test with `override`, also env is written there and nowhere else."""
    monkeypatch.setenv("NEW_KEY", "outside")
    with override({"OLD_KEY": "example-old"}):
        provider = secrets.get_secrets_provider({})
        provider.set_secret("NEW_KEY", "example-new")
        assert provider.get_secrets(["OLD_KEY", "NEW_KEY"]) == {"OLD_KEY": "example-old", "NEW_KEY": "example-new"}
        provider.delete_secret("OLD_KEY")
        assert provider.get_secret("OLD_KEY") is None
    assert os.environ["NEW_KEY"] == "outside"


def test_env_does_not_list_everything(secrets):
    """`list_secrets` of env without a prefix says that it cannot tell which variables are secrets (S0.60)."""
    with pytest.raises(Unsupported, match="which variables are secrets") as raised:
        secrets.get_secrets_provider({"provider": "env"}).list_secrets()
    assert "prefix" in raised.value.hint


def test_read_only(secrets, tmp_path):
    """Writing to a backend that is read-only is refused, by its name, and changes nothing (S0.56)."""
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "API_KEY").write_text("example-key")
    provider = secrets.get_secrets_provider({"secrets": {"provider": "files", "path": "mounted"}})
    with pytest.raises(Unsupported, match=r"(?s)mounted.*read-only"):
        provider.set_secret("API_KEY", "example-other")
    assert provider.get_secret("API_KEY") == "example-key"
    assert (tmp_path / "mounted" / "API_KEY").read_text() == "example-key"


def test_exact_text(secrets, vault, document, tmp_path):
    """JSON arrives as its exact stored text, numbers and nested values as JSON, null as None (S0.54)."""
    values = {"JSON": '{"b": 1,  "a": 2}', "PORT": 5432, "ON": True, "NESTED": {"x": [1, "é"]}, "NULL": None, "": "e"}
    provider = secrets.get_secrets_provider({**vault, "vault_path": document(**values)})
    found = provider.get_secrets(["JSON", "PORT", "ON", "NESTED", "NULL"])
    assert found == {
        "JSON": '{"b": 1,  "a": 2}',
        "PORT": "5432",
        "ON": "true",
        "NESTED": '{"x": [1, "é"]}',
        "NULL": None,
    }
    (tmp_path / ".env").write_text('DOC=\'{"HOST": "h"}\'\nEMPTY=\n')
    provider = secrets.get_secrets_provider({"provider": "local", "path": ".env"})
    assert provider.get_secrets(["DOC", "EMPTY", "DOC#HOST"]) == {"DOC": '{"HOST": "h"}', "EMPTY": "", "DOC#HOST": "h"}


def test_not_one_document(secrets, vault, bao):
    """Without `vault_path` each name is a document of its own."""
    provider = secrets.get_secrets_provider({**vault, "prefix": "alone/"})
    provider.set_secret("token", "example-token")
    assert provider.get_secret("token") == "example-token"
    assert provider.list_secrets() == ["token"]
    provider.delete_secret("token")
    assert provider.get_secret("token") is None


def test_could_not_ask(secrets, vault, document, monkeypatch):
    """None never means that the server was down or said no (S0.53)."""
    path = document(A="example-a")
    wrong = {"secrets": {**vault, "vault_path": path, "token": "example-wrong-token"}, "deadline": 0}
    with pytest.raises(AccessDenied) as denied:
        secrets.get_secrets_provider(wrong).get_secret("A")
    assert "example-wrong-token" not in str(denied.value)
    with openbao() as other:
        section = {**vault, "vault_url": other.url, "token": other.token, "vault_path": "x"}
        provider = secrets.get_secrets_provider({"secrets": section, "deadline": 0})
        assert provider.get_secret("A") is None
    with pytest.raises(BackendUnavailable):
        provider.get_secret("B")
    with pytest.raises(BackendUnavailable):
        provider.set_secret("B", "example-b")


@pytest.mark.parametrize("kind", ["local", "vault"])
def test_concurrent_writers(secrets, vault, document, tmp_path, kind):
    """Sixteen writers of one document, each with a provider of its own, all find their key in it afterwards."""
    local = {"provider": "local", "path": "shared.env"}
    section = local if kind == "local" else {**vault, "vault_path": document(FIRST="example-first")}
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            # a setting that differs has a store, a cache and a login of its own
            config = {"secrets": section, "cache_ttl": number}
            secrets.get_secrets_provider(config).set_secret(f"KEY_{number}", f"example-{number}")
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = secrets.get_secrets_provider({"secrets": section, "cache_ttl": 0})
    assert set(found.list_secrets()) >= {f"KEY_{number}" for number in range(16)}
    assert found.get_secret("KEY_7") == "example-7"
    if kind == "local":
        assert oct((tmp_path / "shared.env").stat().st_mode & 0o777) == "0o600"


def test_equal_configurations_share_a_store(secrets, vault, document):
    """Asking the factory again in each step costs no new login and no new read."""
    section = {**vault, "vault_path": document(A="example-a")}
    first, again = (secrets.get_secrets_provider({"secrets": dict(section)}) for _ in range(2))
    assert first._store is again._store
    assert secrets.get_secrets_provider({"secrets": section, "cache_ttl": 0})._store is not first._store


def test_no_value_in_a_traceback(secrets, vault, document):
    """Where a write fails, no frame of ours shows the value."""
    import traceback

    section = {**vault, "vault_path": document(A="example-a"), "token": "example-wrong-token"}
    provider = secrets.get_secrets_provider({"secrets": section, "deadline": 0})
    with pytest.raises(AccessDenied) as raised:
        provider.set_secret("A", "example-" + "in-frames")
    frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert "example-in-frames" not in "".join(frames.format())
