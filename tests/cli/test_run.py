"""`tacenda run`: the named secrets in a command's environment, and nothing else between it and its caller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import VALUE, Cli

PRINT_ENVIRONMENT = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


@pytest.fixture
def keys(local: Cli) -> Cli:
    """The command, with two bundles, a text and a binary secret."""
    content = {
        "api-keys": {"API_KEY": VALUE, "PORT": 5432, "with-dash": "example"},
        "db": {"PASSWORD": "example-password", "API_KEY": "example-other"},
        "my-token": VALUE,
        "cert": {"value": "AP8=", "encoding": "base64"},
    }
    local.write("secrets.json", json.dumps(content))
    return local


def environment(cli: Cli, *arguments: str, **variables: str) -> dict[str, str]:
    return json.loads(cli("run", "--no-mask", *arguments, "--", *PRINT_ENVIRONMENT, **variables).ok().out)


def test_injects_what_is_named(keys: Cli):
    """The keys of a named bundle are variables, and other secrets are not there (S1.45)."""
    found = environment(keys, "--secret", "api-keys")
    assert (found["API_KEY"], found["PORT"], found["WITH_DASH"]) == (VALUE, "5432", "example")
    assert not {"PASSWORD", "MY_TOKEN", "CERT"} & set(found)
    assert found["TACENDA_INJECTED"] == "API_KEY,PORT,WITH_DASH"


def test_injects_a_text(keys: Cli):
    """A text is one variable that is named after the secret, or after a reference's last part."""
    assert environment(keys, "--secret", "my-token")["MY_TOKEN"] == VALUE
    assert environment(keys, "--secret", "local://secrets.json#my-token")["MY_TOKEN"] == VALUE


def test_keeps_the_rest_of_the_environment(keys: Cli):
    """Everything that was in the environment is still there, unchanged."""
    found = environment(keys, "--secret", "my-token", OTHER="stays")
    assert found["OTHER"] == "stays"
    assert keys.environment.items() <= found.items()


def test_value_in_no_argument_list(keys: Cli):
    """The command's arguments are the ones that were given: values are in its environment only (checklist 21)."""
    shown = keys(
        "run", "--no-mask", "--secret", "my-token", "--", "sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline; echo $MY_TOKEN"
    ).ok()
    assert shown.out.endswith(f"{VALUE}\n")
    assert shown.out.count(VALUE) == 1


def test_clashes(keys: Cli):
    """Variables that two sources want are one error that lists every clash; nothing runs (checklist 22)."""
    done = keys("run", "--secret", "api-keys", "--secret", "db", "--", "touch", "ran", PORT="1", PASSWORD="mine")
    assert done.code == 1
    for variable in ("API_KEY", "PORT", "PASSWORD"):
        assert variable in done.err
    assert "--override" in done.err
    assert VALUE not in done.err
    assert not (keys.directory / "ran").exists()


def test_override(keys: Cli):
    """`--override` replaces variables that are set; two secrets on one variable stay an error."""
    assert environment(keys, "--override", "--secret", "api-keys", API_KEY="mine")["API_KEY"] == VALUE
    assert keys("run", "--override", "--secret", "api-keys", "--secret", "db", "--", "true").code == 1


def test_same_value_is_no_clash(cli: Cli):
    """A variable that has just this value already is no clash: the environment itself may be the backend."""
    assert environment(cli, "--secret", "TOKEN", TOKEN=VALUE)["TOKEN"] == VALUE


def test_nested(keys: Cli):
    """What was injected is never read back as somebody's secret, also two levels down."""
    keys.configure("{provider: env}")
    nested = [
        "run",
        "--secret",
        "local://secrets.json#my-token",
        "--",
        sys.executable,
        "-m",
        "tacenda",
        "get",
        "MY_TOKEN",
    ]
    done = keys(*nested)
    assert done.code == 3
    assert "was set by tacenda" in done.err


@pytest.mark.parametrize("masked", [(), ("--no-mask",)], ids=["masked", "not masked"])
@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code(keys: Cli, masked: tuple[str, ...], code: int):
    """The exit code is the command's own."""
    assert keys("run", *masked, "--secret", "my-token", "--", "sh", "-c", f"exit {code}").code == code


@pytest.mark.parametrize("masked", [(), ("--no-mask",)], ids=["masked", "not masked"])
def test_not_found(keys: Cli, masked: tuple[str, ...]):
    """A command that does not exist is 127, as in a shell."""
    done = keys("run", *masked, "--secret", "my-token", "--", "no-such-command")
    assert (done.code, done.err) == (127, "tacenda: there is no command 'no-such-command'\n")


@pytest.mark.parametrize("masked", [(), ("--no-mask",)], ids=["masked", "not masked"])
def test_not_executable(keys: Cli, masked: tuple[str, ...]):
    """A file that cannot be executed is 126, as in a shell, and so is one that is no program."""
    done = keys("run", *masked, "--secret", "my-token", "--", str(keys.write("script", "no program")))
    assert (done.code, "Permission denied" in done.err) == (126, True)
    (keys.directory / "script").chmod(0o755)
    assert keys("run", *masked, "--secret", "my-token", "--", "./script").code == 126


def test_own_options(keys: Cli):
    """Options after the command's name are the command's, with or without `--` before it."""
    assert (
        keys("run", "--secret", "my-token", "sh", "-c", "echo $0 $1", "--json", "--stack").ok().out
        == "--json --stack\n"
    )


def test_missing_secret(keys: Cli):
    """A secret that is missing is exit code 3 and names it; the command does not run."""
    done = keys("run", "--secret", "my-token", "--secret", "nothing", "--", "touch", "ran")
    assert done.code == 3
    assert "nothing" in done.err
    assert not (keys.directory / "ran").exists()


def test_binary(keys: Cli):
    """A binary secret cannot be a variable: an error names it, and the command does not run."""
    done = keys("run", "--secret", "cert", "--", "touch", "ran")
    assert done.code == 1
    assert "'cert'" in done.err
    assert not (keys.directory / "ran").exists()


def test_nothing_named(keys: Cli):
    """Without `--secret` or without a command it is wrong usage."""
    assert keys("run", "--", "true").code == 2
    assert keys("run", "--secret", "my-token").code == 2


def test_becomes_the_command(keys: Cli):
    """With `--no-mask` the command takes over the process: its pid, its parent, its standard input, every signal."""
    script = "echo $$ $PPID; read line; echo $line; exec sleep 60"
    arguments = ("run", "--no-mask", "--secret", "my-token", "--", "sh", "-c", script)
    with keys.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().split() == [str(process.pid).encode(), str(os.getpid()).encode()]
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"hello\n"
        process.terminate()
        assert process.wait(timeout=20) == -signal.SIGTERM


def test_signals_as_usual(keys: Cli):
    """The command starts with no signal ignored: `yes | head` ends as it does in a shell."""
    ignored = keys("run", "--secret", "my-token", "--", "grep", "SigIgn", "/proc/self/status").ok().out
    assert int(ignored.split()[1], 16) & (1 << signal.SIGPIPE - 1) == 0


def test_leaves_no_files(keys: Cli):
    """Nothing is written to disk to hand the secrets over (checklist 4)."""
    before = sorted(path for path in keys.directory.rglob("*"))
    keys("run", "--secret", "api-keys", "--", "true", TMPDIR=str(keys.home)).ok()
    assert sorted(path for path in Path(keys.directory).rglob("*")) == before
