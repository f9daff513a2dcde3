"""A planted configuration file must not receive a Vault token, and no file may hold a value."""

from __future__ import annotations

import os

import pytest

from tacenda import open_store
from tacenda._config import find_configuration
from tacenda.errors import ConfigurationError

TEXT = "stacks: {dev: {secrets: env}}\n"
PASSWORD = "example-password-7"


@pytest.fixture
def planted(workplace):
    path = workplace / "tacenda.yaml"
    path.write_text(TEXT)
    path.chmod(0o644)
    return path


def test_own_file_is_trusted(planted):
    """The ordinary case."""
    assert find_configuration().path == planted


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o602])
def test_file_that_others_can_write_is_refused(planted, mode):
    """World-writable files are refused, with the way out."""
    planted.chmod(mode)
    with pytest.raises(ConfigurationError, match="it can be written by others") as caught:
        find_configuration()
    assert str(planted) in str(caught.value)
    assert "TACENDA_CONFIG" in caught.value.hint


def test_file_that_ones_own_group_can_write_is_trusted(planted):
    """A umask of 002 with a group of one's own is ordinary."""
    planted.chmod(0o664)
    assert find_configuration().path == planted


@pytest.fixture
def give_away(monkeypatch):
    """Return a function that makes a file somebody else's: root gives it away, others become somebody else."""

    def give(path, *, uid=0, gid=0):
        if os.getuid() == 0:
            os.chown(path, uid or -1, gid or -1, follow_symlinks=False)
        elif uid:
            monkeypatch.setattr(os, "getuid", lambda: path.lstat().st_uid + uid)
        else:
            monkeypatch.setattr(os, "getgid", lambda: path.lstat().st_gid + gid)

    return give


def test_file_of_a_foreign_group_is_refused(planted, give_away):
    """Writable by a group that is not one's own is writable by others."""
    give_away(planted, gid=4321)
    planted.chmod(0o664)
    with pytest.raises(ConfigurationError, match="can be written by others"):
        find_configuration()


def test_file_of_another_user_is_refused(planted, give_away):
    """A file that somebody else put there is refused, whatever its mode."""
    give_away(planted, uid=4321)
    with pytest.raises(ConfigurationError, match="it belongs to another user"):
        find_configuration()


def test_link_of_another_user_is_refused(planted, workplace, give_away):
    """A link that somebody else put there chooses the file, so it is refused as well."""
    planted.rename(workplace / "other.yaml")
    planted.symlink_to("other.yaml")
    assert find_configuration().path == planted
    give_away(planted, uid=4321)
    with pytest.raises(ConfigurationError, match="it belongs to another user"):
        find_configuration()


def test_pyproject_and_flowyml_are_checked_too(workplace):
    """Every kind of configuration file is held to the same rule."""
    for name, text in [("flowyml.yaml", TEXT), ("pyproject.toml", "[tool.tacenda.stacks.dev]\nsecrets = 'env'\n")]:
        path = workplace / name
        path.write_text(text)
        path.chmod(0o666)
        with pytest.raises(ConfigurationError, match=f"refused the configuration file .*{name}"):
            find_configuration()
        path.unlink()


def test_naming_the_file_on_purpose_is_trust(planted, monkeypatch):
    """TACENDA_CONFIG is the user's own word."""
    planted.chmod(0o666)
    monkeypatch.setenv("TACENDA_CONFIG", str(planted))
    assert find_configuration().path == planted


def test_refusal_comes_before_parsing(planted):
    """A planted file is not even read."""
    planted.write_text("malformed: [")
    planted.chmod(0o666)
    with pytest.raises(ConfigurationError, match="refused"):
        find_configuration()


@pytest.mark.parametrize(
    "entry",
    [
        f"{{provider: shelf, prefix: 'postgres://user:{PASSWORD}@host/db'}}",
        f"{{provider: shelf, token: {PASSWORD}}}",
        f"{{provider: shelf, auth: {{token: {PASSWORD}}}}}",
        f"{{provider: shelf, auth: {{jwt: 'eyJ{PASSWORD}.x'}}}}",
        f"{{provider: 'postgres://user:{PASSWORD}@host/db'}}",
        f"'postgres://user:{PASSWORD}@host/db'",
        f"{{API_KEY: {PASSWORD}}}",
        f"[{{provider: shelf}}, {{provider: vault, vault_url: 'https://user:{PASSWORD}@host'}}]",
    ],
)
def test_values_in_a_file_are_refused_without_an_echo(workplace, entry):
    """A configuration file holds references and settings; a value is refused and not repeated (S1.6, S4.2)."""
    (workplace / "tacenda.yaml").write_text(f"stacks: {{dev: {{secrets: {entry}}}}}\n")
    with pytest.raises(ConfigurationError) as caught:
        open_store()
    assert "stacks.dev.secrets" in str(caught.value)
    assert PASSWORD not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"


def test_a_mapping_in_code_may_hold_credentials():
    """Who opens a store in code may pass what came from elsewhere."""
    entry = {"provider": "shelf", "token": PASSWORD}
    store = open_store(config={"stacks": {"dev": {"secrets": entry}}})
    assert store.stack.entries[0].settings == {"token": PASSWORD}
    assert PASSWORD not in repr(store)
