"""The command on a real server: versions, and exit codes that tell missing from denied from unavailable."""

from __future__ import annotations

import json

import pytest
from command_line import VALUE, Cli

from tacenda.testing import OpenBao

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


def test_round_trip(vault: Cli):
    """set, get, update, ls and rm work on a server as they do on a file; set tells the version."""
    done = vault("set", "db", "--bundle", "--from-file", "-", stdin=json.dumps({"USER": "example", "PORT": 5432})).ok()
    assert done.err == "tacenda: wrote 'db' (vault, version 1)\n"
    vault("update", "db", "PASSWORD", "--from-file", "-", stdin=VALUE).ok()
    assert json.loads(vault("get", "db").ok().out) == {"USER": "example", "PORT": 5432, "PASSWORD": VALUE}
    assert vault("ls").ok().out == "db  vault\n"
    vault("rm", "db", "--yes").ok()
    assert vault("get", "db").code == 3


def test_versions(vault: Cli, server: OpenBao, request: pytest.FixtureRequest):
    """`--version`, or `?version=` in a reference, reads an earlier version; `--json` tells which one it was (S1.43)."""
    for value in ("example-first", VALUE):
        vault("set", "token", "--from-file", "-", stdin=value).ok()
    assert vault("get", "token").ok().out == VALUE
    assert vault("get", "token", "--version", "1").ok().out == "example-first"
    reference = f"vault://secret/{request.node.name}/token?version=1"
    assert vault("get", reference).ok().out == "example-first"
    assert json.loads(vault("get", "token", "--json").ok().out)["version"] == "2"
    assert json.loads(vault("get", reference, "--json").ok().out)["version"] == "1"


def test_tags(vault: Cli):
    """`--tag KEY=VALUE` is kept beside the secret."""
    done = vault(
        "set", "token", "--tag", "owner=ml", "--tag", "use=a=b", "--json", "--from-file", "-", stdin=VALUE
    ).ok()
    assert json.loads(done.out)["tags"] == {"owner": "ml", "use": "a=b"}


def test_json_needs_no_metadata(vault: Cli, server: OpenBao, request: pytest.FixtureRequest):
    """`--json` tells the version with nothing but the right to read the value."""
    vault("set", "token", "--from-file", "-", stdin=VALUE).ok()
    policy = f'path "secret/data/{request.node.name}/*" {{ capabilities = ["read"] }}'
    client = server.client()
    client.sys.create_or_update_policy("cli-read-only", policy)
    token = client.auth.token.create(policies=["cli-read-only"])["auth"]["client_token"]
    described = json.loads(vault("get", "token", "--json", VAULT_TOKEN=token).ok().out)
    assert (described["value"], described["version"]) == (VALUE, "1")


def test_missing(vault: Cli):
    """Missing is exit code 3 (S1.76)."""
    done = vault("get", "nothing")
    assert (done.code, done.out) == (3, "")
    assert "next: " in done.err


def test_denied(vault: Cli, server: OpenBao):
    """Denied is exit code 4, never mistaken for missing, with the server's own command to look further (S1.76)."""
    vault("set", "token", "--from-file", "-", stdin=VALUE).ok()
    token = server.client().auth.token.create(policies=["default"])["auth"]["client_token"]
    for arguments in (["get", "token"], ["run", "--secret", "token", "--", "true"], ["ls"]):
        done = vault(*arguments, VAULT_TOKEN=token)
        assert (done.code, done.out) == (4, ""), done.err
    assert "next: " in vault("get", "token", VAULT_TOKEN=token).err
    assert token not in done.err


def test_unavailable(cli: Cli):
    """A server that cannot be asked is exit code 5, never mistaken for missing."""
    cli.configure(f"{{provider: vault, vault_url: '{NOBODY}'}}")
    done = cli("get", "token", VAULT_TOKEN="example-token", TACENDA_DEADLINE="0")
    assert (done.code, done.out) == (5, "")
    assert NOBODY in done.err
    assert "example-token" not in done.err


def test_worst_of_several(vault: Cli, server: OpenBao):
    """`run` with several failures ends with the worst: denied before missing, and names both."""
    vault.write("empty.json", "{}")
    token = server.client().auth.token.create(policies=["default"])["auth"]["client_token"]
    names = ["--secret", "token", "--secret", "local://empty.json#nothing"]
    done = vault("run", *names, "--", "touch", "ran", VAULT_TOKEN=token)
    assert done.code == 4
    assert "nothing" in done.err
    assert not (vault.directory / "ran").exists()


def test_check(vault: Cli, server: OpenBao):
    """`check` says that the server answers, and whether a secret can be read, without its value."""
    vault("set", "token", "--from-file", "-", stdin=VALUE).ok()
    done = vault("check", "token").ok()
    assert f"vault at {server.url}: ok" in done.out
    assert "token: ok" in done.out
    assert VALUE not in done.out + done.err


def test_check_denied(vault: Cli, server: OpenBao):
    """`check NAME` of a secret that may not be read is exit code 4."""
    token = server.client().auth.token.create(policies=["default"])["auth"]["client_token"]
    done = vault("check", "token", VAULT_TOKEN=token)
    assert done.code == 4
    assert "token: AccessDenied" in done.out


def test_check_unavailable(cli: Cli):
    """`check` of a server that is down is exit code 5, at once, with what to do."""
    cli.configure(f"{{provider: vault, vault_url: '{NOBODY}'}}")
    done = cli("check", "token", VAULT_TOKEN="example-token")
    assert done.code == 5
    assert done.out.count("BackendUnavailable") == 2
    assert "still trying" not in done.err
