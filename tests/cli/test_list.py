"""`tacenda ls` and `tacenda rm`: names and never values; nothing deleted by accident."""

from __future__ import annotations

import json

import pytest
from command_line import VALUE, Cli


@pytest.fixture
def three(local: Cli) -> Cli:
    """The command, with three secrets."""
    local.write("secrets.json", json.dumps({"ml/b": VALUE, "ml/a": {"KEY": VALUE}, "other": VALUE}))
    return local


def test_names_and_backends(three: Cli):
    """Each line is a name and its backend, in order; no value."""
    assert three("ls").ok().out == "ml/a   local\nml/b   local\nother  local\n"


def test_prefix(three: Cli):
    """A prefix narrows the list; one that nothing has gives an empty one."""
    assert [line.split()[0] for line in three("ls", "ml/").ok().out.splitlines()] == ["ml/a", "ml/b"]
    assert three("ls", "zz").ok().out == ""


def test_json(three: Cli):
    """`--json` gives a list of objects with what is known, and no value."""
    done = three("ls", "--json").ok()
    assert [info["name"] for info in json.loads(done.out)] == ["ml/a", "ml/b", "other"]
    assert VALUE not in done.out


def test_chain(three: Cli):
    """In a chain each name is listed once, with the backend that would serve it."""
    three.configure("[{provider: env, prefix: APP_}, {provider: local, path: secrets.json}]")
    done = three("ls", APP_other="x", APP_MORE="x").ok()
    assert [line.split() for line in done.out.splitlines()] == [
        ["MORE", "env"],
        ["ml/a", "local"],
        ["ml/b", "local"],
        ["other", "env"],
    ]


def test_environment_is_not_spilled(cli: Cli):
    """Without a prefix the environment is not listed: most of it is nobody's secret (S0.60)."""
    cli.configure("{provider: env}")
    done = cli("ls", EXAMPLE_TOKEN=VALUE)
    assert (done.code, done.out) == (1, "")
    assert "prefix" in done.err


def test_escape_sequences(local: Cli):
    """A name that could steer the terminal is shown spelled out."""
    local.write("secrets.json", json.dumps({"evil\x1b[2J": VALUE}))
    done = local("ls").ok()
    assert "\x1b" not in done.out
    assert r"evil\x1b[2J" in done.out


def test_delete(three: Cli):
    """`rm NAME --yes` deletes that secret and no other."""
    done = three("rm", "other", "--yes").ok()
    assert (done.out, done.err) == ("", "tacenda: deleted 'other'\n")
    assert sorted(json.loads((three.directory / "secrets.json").read_text())) == ["ml/a", "ml/b"]


def test_delete_unasked(three: Cli):
    """Without a terminal `rm` needs `--yes`: wrong usage, nothing is deleted."""
    done = three("rm", "other", stdin="y\n")
    assert done.code == 2
    assert "--yes" in done.err
    assert three("get", "other").ok().out == VALUE


def test_delete_missing(three: Cli):
    """Deleting what is not there is exit code 3."""
    assert three("rm", "nothing", "--yes").code == 3


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 2), ("n", 1, 3), ("", 1, 3)])
def test_delete_asks(three: Cli, answer: str, code: int, left: int):
    """On a terminal `rm` asks, and deletes only after a yes."""
    with three.terminal("rm", "other") as terminal:
        terminal.expect("Delete 'other' from stack 'dev'? [y/N]:")
        terminal.type(f"{answer}\n")
        assert terminal.finish() == code
    assert len(json.loads((three.directory / "secrets.json").read_text())) == left


def test_delete_interrupted(three: Cli):
    """Ctrl-C at the question deletes nothing: exit code 130."""
    with three.terminal("rm", "other") as terminal:
        terminal.expect("[y/N]: ")
        assert terminal.interrupt() == 130
    assert three("get", "other").ok().out == VALUE
