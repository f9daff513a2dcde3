"""What holds for every command: help, version, completion, colour, and a quick start."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from command_line import VALUE, Cli

import tacenda
from tacenda.cli._exit import exit_code
from tacenda.cli._main import cli as group
from tacenda.errors import AccessDenied, BackendUnavailable, Conflict, SecretError, SecretNotFound, Throttled

COMMANDS = ["check", "get", "ls", "mask", "rm", "run", "set", "update"]


def test_commands():
    """These are the commands."""
    assert sorted(group.commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str):
    """Every command explains itself, and takes the common options after its name too."""
    shown = CliRunner().invoke(group, [command, "--help"])
    assert shown.exit_code == 0
    for option in ("--stack", "--config", "--no-input"):
        assert option in shown.output


def test_no_option_takes_a_value():
    """No command has an option for a value: they come by prompt, standard input or file (checklist 35)."""
    options = {name for command in group.commands.values() for option in command.params for name in option.opts}
    assert not options & {"--value", "--secret-value", "--password", "--token", "--data"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [(SecretError, 1), (Conflict, 1), (SecretNotFound, 3), (AccessDenied, 4), (BackendUnavailable, 5), (Throttled, 5)],
)
def test_exit_codes(kind: type[SecretError], code: int):
    """Each kind of error has its exit code."""
    assert exit_code(kind("example")) == code


def test_version(cli: Cli):
    """`--version` says which tacenda this is."""
    assert cli("--version").ok().out == f"tacenda {tacenda.__version__}\n"


@pytest.mark.parametrize("arguments", [["gett", "x"], ["get"], ["get", "x", "--revael"], ["ls", "a", "b"]])
def test_wrong_usage(cli: Cli, arguments: list[str]):
    """Wrong usage is exit code 2 with a hint at the help, on standard error."""
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in done.err


def test_completion(cli: Cli):
    """Shells complete commands and options."""
    done = cli(_TACENDA_COMPLETE="bash_complete", COMP_WORDS="tacenda u", COMP_CWORD="1").ok()
    assert done.out == "plain,update\n"
    done = cli(_TACENDA_COMPLETE="bash_complete", COMP_WORDS="tacenda get --re", COMP_CWORD="2").ok()
    assert done.out == "plain,--reveal\n"


def test_colour(local: Cli):
    """A terminal sees colours, unless `NO_COLOR` is set; a pipe never does."""
    local.write("secrets.json", json.dumps({"token": VALUE}))
    seen = {}
    for setting in ("", "1"):
        with local.terminal("check", NO_COLOR=setting) as terminal:
            assert terminal.finish() == 0
        seen[setting] = terminal.seen
    assert "\x1b[32mok" in seen[""]
    assert "\x1b[" not in seen["1"]
    assert "\x1b[" not in local("check").ok().out


def test_audit_and_messages_have_no_value(local: Cli, tmp_path):
    """With the audit file on, writing and reading leave names in it and no value."""
    audit = tmp_path / "audit.jsonl"
    for arguments in (["set", "token", "--from-file", "-"], ["get", "token"]):
        local(*arguments, stdin=VALUE, TACENDA_AUDIT=str(audit)).ok()
    actions = [json.loads(line)["action"] for line in audit.read_text().splitlines()]
    assert "write" in actions
    assert "read" in actions
    assert VALUE not in audit.read_text()


def test_quick_start(cli: Cli):
    """Help and version import neither the core's machinery nor an SDK."""
    code = "import sys; from tacenda.cli import main; main(); print(*sys.modules)"
    loaded = cli("--version", command=[sys.executable, "-c", code]).ok().out.split()
    assert "tacenda.cli._main" in loaded
    assert not {"tacenda._store", "tacenda._config", "yaml", "hvac", "pyrage", "asyncio", "importlib.metadata"} & set(
        loaded
    )
