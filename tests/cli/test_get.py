"""`tacenda get`: one value, exactly, to whoever asked for it and to no screen."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess

import pytest
from command_line import COMMAND, VALUE, Cli


def test_environment_without_configuration(cli: Cli):
    """An exported variable is a secret without any configuration or extra (S0.6, S0.7, S0.17)."""
    done = cli("get", "DB_PASSWORD", DB_PASSWORD=VALUE).ok()
    assert done.raw == VALUE.encode()
    assert done.err == ""


@pytest.mark.parametrize("value", ["two words", " spaces ", "line\n", "\n\ttab\n\n", "ünïcode 🔑", '{"a":  1}', "1.50"])
def test_exact_text(cli: Cli, value: str):
    """To a pipe goes exactly the stored text: no newline is added, none removed, JSON keeps its spelling."""
    assert cli("get", "X", X=value).ok().raw == value.encode()


def test_key(local: Cli):
    """A KEY after the name is one key of a bundle; numbers and nested values are their JSON."""
    local.write("secrets.json", json.dumps({"db": {"PASSWORD": VALUE, "PORT": 5432, "tls": {"ca": None}}}))
    assert local("get", "db", "PASSWORD").ok().out == VALUE
    assert local("get", "db", "PORT").ok().out == "5432"
    assert json.loads(local("get", "db", "tls").ok().out) == {"ca": None}


def test_reference(cli: Cli):
    """A reference is taken wherever a name is, whatever the stack serves (S1.43)."""
    cli.write("other.json", json.dumps({"api-keys": {"API_KEY": VALUE}}))
    cli.configure("{provider: env}")
    assert cli("get", "ref+env://TOKEN", TOKEN=VALUE).ok().out == VALUE
    assert json.loads(cli("get", "local://other.json#api-keys").ok().out) == {"API_KEY": VALUE}


def test_binary(local: Cli):
    """A binary secret comes out as the bytes it is."""
    data = bytes(range(256))
    local("set", "key", "--from-file", "-", stdin=data).ok()
    assert local("get", "key").ok().raw == data
    described = json.loads(local("get", "key", "--json").ok().out)
    assert described["encoding"] == "base64"
    assert base64.b64decode(described["value"]) == data


def test_json(local: Cli):
    """`--json` gives name, key, version and the value with its JSON types."""
    local.write("secrets.json", json.dumps({"db": {"PASSWORD": VALUE, "PORT": 5432}, "token": VALUE}))
    assert json.loads(local("get", "db", "--json").ok().out) == {
        "name": "db",
        "key": None,
        "version": None,
        "value": {"PASSWORD": VALUE, "PORT": 5432},
    }
    assert json.loads(local("get", "db", "PORT", "--json").ok().out)["value"] == 5432


def test_missing(cli: Cli):
    """A missing secret is exit code 3, and the message lists each place and a next step; nothing on standard output."""
    done = cli("get", "NOWHERE")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("tacenda: there is no secret 'NOWHERE'")
    assert "tried: env://NOWHERE" in done.err
    assert "next: " in done.err


def test_missing_key(local: Cli):
    """A key that a bundle does not have is exit code 3 too, with the keys there are and no value."""
    local.write("secrets.json", json.dumps({"db": {"USER": "example-user", "PASSWORD": VALUE}}))
    done = local("get", "db", "PASWORD")
    assert done.code == 3
    assert "PASSWORD, USER" in done.err
    assert VALUE not in done.err


def test_key_of_a_text(local: Cli):
    """Asking a plain text for a key is an error that says so, not a missing secret, and shows no value."""
    local.write("secrets.json", json.dumps({"token": VALUE}))
    done = local("get", "token", "KEY")
    assert done.code == 1
    assert "not a JSON object" in done.err
    assert VALUE not in done.err


# -- terminals ------------------------------------------------------------------------------------------


def test_refuses_a_terminal(cli: Cli):
    """A value is not shown on a terminal: exit code 2 and a hint at `--reveal` (checklist 36)."""
    for options in ([], ["--json"]):
        with cli.terminal("get", "X", *options, X=VALUE) as terminal:
            assert terminal.finish() == 2
        assert "--reveal" in terminal.seen
        assert VALUE not in terminal.seen


def test_reveal(cli: Cli):
    """With `--reveal` a terminal shows the value, on a line of its own (checklist 36)."""
    with cli.terminal("get", "X", "--reveal", X=VALUE) as terminal:
        assert terminal.finish() == 0
    assert terminal.seen == f"{VALUE}\r\n"


def test_reveal_adds_no_second_newline(cli: Cli):
    """A value that ends with a newline gets no other."""
    with cli.terminal("get", "X", "--reveal", X=f"{VALUE}\n") as terminal:
        assert terminal.finish() == 0
    assert terminal.seen == f"{VALUE}\r\n"


# -- which stack ----------------------------------------------------------------------------------------


def test_stack_without_secrets(cli: Cli):
    """A stack without `secrets:` is served by the environment (S0.18)."""
    cli.write("tacenda.yaml", "stacks: {dev: {}}")
    assert cli("get", "X", X=VALUE).ok().out == VALUE


@pytest.mark.parametrize(
    ("file", "text"), [(".secrets.json", json.dumps({"API_KEY": VALUE})), (".env", f"API_KEY={VALUE}")]
)
def test_local_without_path(cli: Cli, file: str, text: str):
    """`provider: local` alone finds `.secrets.json` or `.env` beside the configuration (S0.8, S0.9)."""
    cli.write(file, text)
    cli.configure("{provider: local}")
    assert cli("get", "API_KEY").ok().out == VALUE


def test_relative_path_from_a_subdirectory(cli: Cli):
    """A relative `path` means the same file wherever the command is started (S0.22)."""
    cli.write("conf/my.json", json.dumps({"API_KEY": VALUE}))
    cli.configure("{provider: local, path: conf/my.json}")
    (cli.directory / "deep" / "er").mkdir(parents=True)
    assert cli("get", "API_KEY", cwd="deep/er").ok().out == VALUE


def test_flowyml_configuration(cli: Cli):
    """A `flowyml.yaml` with other sections is a configuration too, and `--stack` chooses in it (S0.16)."""
    cli.write(
        "flowyml.yaml",
        "project: x\nstacks:\n  dev:\n    type: local\n    secrets: {provider: env, prefix: DEV_}\n"
        "  prod:\n    secrets: {provider: env, prefix: PROD_}\n",
    )
    for options in (["--stack", "dev", "get", "X"], ["get", "X", "--stack", "dev"]):
        assert cli(*options, DEV_X=VALUE, PROD_X="other").ok().out == VALUE


def test_lone_stack_serves(cli: Cli):
    """Without `default_stack` a lone stack serves; several are an error that lists them (S0.79)."""
    cli.write("flowyml.yaml", "stacks: {dev: {secrets: {provider: env}}}")
    assert cli("get", "X", X=VALUE).ok().out == VALUE
    cli.write("flowyml.yaml", "stacks: {dev: {secrets: {provider: env}}, prod: {secrets: {provider: env}}}")
    done = cli("get", "X", X=VALUE)
    assert done.code == 1
    assert "dev, prod" in done.err
    assert cli("get", "X", X=VALUE, TACENDA_STACK="prod").ok().out == VALUE


def test_option_wins_over_environment(cli: Cli):
    """`--stack` and `--config` go before `TACENDA_STACK` and `TACENDA_CONFIG`; an option after the command wins."""
    cli.write("a.yaml", "stacks: {a: {secrets: {provider: env, prefix: A_}}}")
    cli.write("b.yaml", "stacks: {b: {secrets: {provider: env, prefix: B_}}}")
    values = {"A_X": VALUE, "B_X": "other"}
    assert cli("get", "X", TACENDA_CONFIG="b.yaml", **values).ok().out == "other"
    assert cli("--config", "a.yaml", "get", "X", TACENDA_CONFIG="b.yaml", **values).ok().out == VALUE
    assert cli("--config", "b.yaml", "get", "X", "--config", "a.yaml", **values).ok().out == VALUE
    assert cli("--stack", "c", "get", "X", TACENDA_CONFIG="b.yaml", TACENDA_STACK="b", **values).code == 1


# -- what goes wrong ------------------------------------------------------------------------------------


def test_missing_extra(cli: Cli):
    """Without its package, a backend's error says what to install (S0.14)."""
    cli.configure("{provider: vault, vault_url: 'http://127.0.0.1:9'}")
    without = "import sys; sys.modules['requests'] = None; from tacenda.cli import main; sys.exit(main())"
    done = cli("get", "x", command=[COMMAND[0], "-c", without], VAULT_TOKEN="example-token")
    assert done.code == 1
    assert "tacenda[vault]" in done.err


def test_missing_setting(cli: Cli):
    """A backend without a setting that it needs names it (S0.15)."""
    cli.configure("{provider: vault}")
    done = cli("get", "x")
    assert done.code == 1
    assert "vault_url" in done.err


def test_value_in_the_configuration(cli: Cli):
    """A configuration with a value in it is refused, and the value is not repeated (S1.6)."""
    cli.configure(f"{{provider: vault, vault_url: 'https://user:{VALUE}@vault.example'}}")
    done = cli("get", "x")
    assert done.code == 1
    assert "tacenda.yaml" in done.err
    assert VALUE not in done.err


def test_value_instead_of_a_name(cli: Cli):
    """Something that looks like a value where a name belongs is refused without being repeated."""
    done = cli("get", f"postgres://user:{VALUE}@host/db")
    assert done.code == 1
    assert VALUE not in done.err


@pytest.mark.parametrize("text", ["stacks: [", "stacks: {dev: {secrets: {provider: valut}}}", "stak: {}"])
def test_broken_configuration(cli: Cli, text: str):
    """A wrong configuration is one message that names the file: exit code 1, no traceback."""
    cli.write("tacenda.yaml", text)
    done = cli("get", "x")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("tacenda: ")
    assert str(cli.directory / "tacenda.yaml") in done.err


def test_unexpected_error(cli: Cli):
    """An error that nobody foresaw tells where it happened; its text, which could hold a value, is withheld."""
    broken = (
        "import sys, tacenda._resolve as r\n"
        f"def read(*a, **k): raise RuntimeError('{VALUE}')\n"
        "r.Resolver.read = read\n"
        "from tacenda.cli import main; sys.exit(main())"
    )
    done = cli("get", "x", command=[COMMAND[0], "-c", broken])
    assert done.code == 1
    assert "unexpected RuntimeError in <string>, line 2" in done.err
    assert VALUE not in done.err


def test_closed_pipe(cli: Cli):
    """A reader that has gone away is no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    cli.environment["X"] = VALUE
    process = cli.start("get", "X", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (1, b"")


def test_interrupted_while_waiting(cli: Cli):
    """While a backend is awaited a message says so; Ctrl-C ends that at once, with 130 and without a traceback."""
    cli.configure("{provider: vault, vault_url: 'http://127.0.0.1:9'}")
    cli.environment["VAULT_TOKEN"] = "example-token"
    process = cli.start("get", "x", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr.readline().startswith(b"tacenda: still trying, for ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
