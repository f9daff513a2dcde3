"""`tacenda set` and `tacenda update`: values by prompt, standard input or file, never as arguments."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import VALUE, Cli


def stored(cli: Cli) -> dict[str, object]:
    return json.loads((cli.directory / "secrets.json").read_text())


@pytest.mark.parametrize("value", [VALUE, " spaces ", "two\nlines\n", "ünïcode 🔑", '{"a":  1}', "\r\n", ""])
def test_standard_input(local: Cli, value: str):
    """`--from-file -` keeps every byte of standard input, whitespace and newlines too (checklist 35)."""
    local("set", "token", "--from-file", "-", stdin=value).ok()
    assert stored(local) == {"token": value}
    assert local("get", "token").ok().raw == value.encode()


def test_file(local: Cli):
    """`--from-file PATH` reads a file; what was written is told on standard error, never the value (checklist 35)."""
    source = local.write("value.txt", f"{VALUE}\nsecond line\n")
    done = local("set", "token", "--from-file", str(source)).ok()
    assert (done.out, done.err) == ("", "tacenda: wrote 'token' (local)\n")
    assert stored(local) == {"token": f"{VALUE}\nsecond line\n"}


def test_lone_final_newline(local: Cli):
    """One line with a newline, as `echo` makes it, is kept, and a note says so."""
    done = local("set", "token", "--from-file", "-", stdin=f"{VALUE}\n").ok()
    assert stored(local) == {"token": f"{VALUE}\n"}
    assert "ends with a newline" in done.err
    assert VALUE not in done.err


def test_missing_file(local: Cli):
    """A file that does not exist is wrong usage, and nothing is written."""
    done = local("set", "token", "--from-file", "nowhere.txt")
    assert done.code == 2
    assert "nowhere.txt" in done.err
    assert not (local.directory / "secrets.json").exists()


def test_bundle(local: Cli):
    """`--bundle` takes a JSON object of keys, with JSON's types."""
    local(
        "set", "db", "--bundle", "--from-file", "-", stdin=f'{{"PASSWORD": "{VALUE}", "PORT": 5432, "tls": null}}'
    ).ok()
    assert stored(local) == {"db": {"PASSWORD": VALUE, "PORT": 5432, "tls": None}}
    assert local("get", "db", "PASSWORD").ok().out == VALUE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{{"A": "{VALUE}"', "line 1, column"),
        (f'["{VALUE}"]', "not a JSON object"),
        (f'{{"A": "{VALUE}", "A": 2}}', "'A' is there twice"),
        (f'{{"A": NaN, "B": "{VALUE}"}}', "NaN"),
        (b"\xff\xfe" + VALUE.encode(), "not a JSON object"),
    ],
)
def test_bad_bundle(local: Cli, text: str | bytes, says: str):
    """Input that is no JSON object of unique keys is wrong usage; the message has the place, not the content."""
    done = local("set", "db", "--bundle", "--from-file", "-", stdin=text)
    assert done.code == 2
    assert says in done.err
    assert VALUE not in done.err
    assert not (local.directory / "secrets.json").exists()


def test_create(local: Cli):
    """`--create` refuses a secret that exists, which stays as it is."""
    local("set", "token", "--create", "--from-file", "-", stdin=VALUE).ok()
    done = local("set", "token", "--create", "--from-file", "-", stdin="example-other")
    assert done.code == 1
    assert "exists already" in done.err
    assert stored(local) == {"token": VALUE}


def test_json_answer(local: Cli):
    """`--json` tells programs what was written: name, backend, version, times and tags, never the value."""
    done = local("set", "token", "--json", "--from-file", "-", stdin=VALUE).ok()
    assert json.loads(done.out)["name"] == "token"
    assert json.loads(done.out)["backend"] == "local"
    assert VALUE not in done.out + done.err


def test_read_only_stack(cli: Cli):
    """A stack that nothing can be written to says so and what to do."""
    done = cli("set", "X", "--from-file", "-", stdin=VALUE)
    assert done.code == 1
    assert "read-only" in done.err
    assert "next: " in done.err


def test_update_one_key(local: Cli):
    """`update NAME KEY` changes that key and leaves its siblings."""
    local.write("secrets.json", json.dumps({"db": {"USER": "example-user", "PASSWORD": "old"}, "other": "example"}))
    done = local("update", "db", "PASSWORD", "--from-file", "-", stdin=VALUE).ok()
    assert stored(local) == {"db": {"USER": "example-user", "PASSWORD": VALUE}, "other": "example"}
    assert VALUE not in done.out + done.err


def test_update_merges(local: Cli):
    """`update NAME` merges a JSON object of keys."""
    local.write("secrets.json", json.dumps({"db": {"USER": "example-user", "PORT": 1}}))
    local("update", "db", "--from-file", "-", stdin=f'{{"PORT": 5432, "PASSWORD": "{VALUE}"}}').ok()
    assert stored(local) == {"db": {"USER": "example-user", "PORT": 5432, "PASSWORD": VALUE}}


def test_update_a_text(local: Cli):
    """A text has no keys to update: an error, and the text stays."""
    local.write("secrets.json", json.dumps({"token": VALUE}))
    done = local("update", "token", "KEY", "--from-file", "-", stdin="example-other")
    assert done.code == 1
    assert VALUE not in done.err
    assert stored(local) == {"token": VALUE}


# -- never an argument ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["set", "token", VALUE],
        ["set", f"token={VALUE}"],
        ["set", f"url=https://{VALUE}.example"],
        ["update", "db", "KEY", VALUE],
        ["update", "db", f"KEY={VALUE}"],
    ],
)
def test_value_as_argument(local: Cli, arguments: list[str]):
    """A value typed as an argument is wrong usage, is not repeated, and nothing is written (checklist 35)."""
    done = local(*arguments, stdin=VALUE)
    assert done.code == 2
    assert "--from-file -" in done.err
    assert VALUE not in done.out + done.err
    assert not (local.directory / "secrets.json").exists()


@pytest.mark.parametrize("arguments", [["set", "token"], ["update", "db", "KEY"]])
def test_nobody_to_ask(local: Cli, arguments: list[str]):
    """Without a terminal and without `--from-file`, standard input is left alone and the message names the way."""
    done = local(*arguments, stdin=VALUE)
    assert done.code == 2
    assert "--from-file -" in done.err
    assert not (local.directory / "secrets.json").exists()


def test_value_in_no_argument_list(local: Cli):
    """While `set` runs, neither its arguments nor its environment have the value (checklist 35)."""
    process = local.start("set", "token", "--from-file", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(VALUE.encode())
    process.stdin.flush()
    about = Path(f"/proc/{process.pid}")
    while b"tacenda\0set\0token" not in (about / "cmdline").read_bytes():
        assert process.poll() is None
        time.sleep(0.01)
    shown = (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert VALUE.encode() not in shown


# -- prompts --------------------------------------------------------------------------------------------


def test_prompt(local: Cli):
    """On a terminal the value is asked for twice and is never echoed (checklist 35)."""
    with local.terminal("set", "token") as terminal:
        terminal.answer("Value of 'token':", f"{VALUE}\n")
        terminal.answer("The same again:", f"{VALUE}\n")
        assert terminal.finish() == 0
    assert "wrote 'token'" in terminal.seen
    assert VALUE not in terminal.seen
    assert stored(local) == {"token": VALUE}


def test_prompt_typed_differently(local: Cli):
    """Two different entries are asked for again."""
    with local.terminal("set", "token") as terminal:
        for first, second in (("example-typo", VALUE), (VALUE, VALUE)):
            terminal.answer("Value of 'token':", f"{first}\n")
            terminal.answer("The same again:", f"{second}\n")
        assert terminal.finish() == 0
    assert stored(local) == {"token": VALUE}


def test_no_input(local: Cli):
    """`--no-input` asks nothing, even on a terminal."""
    for arguments in (["--no-input", "set", "token"], ["set", "token", "--no-input"]):
        with local.terminal(*arguments) as terminal:
            assert terminal.finish() == 2
        assert "--from-file -" in terminal.seen.replace("\r\n", " ")


def test_interrupted_prompt(local: Cli):
    """Ctrl-C at the prompt ends with 130, writes nothing and gives the terminal its echo back."""
    with local.terminal("set", "token") as terminal:
        terminal.answer("Value of 'token':", "example-ha")
        assert terminal.interrupt() == 128 + signal.SIGINT
        assert terminal.echoes
    assert not (local.directory / "secrets.json").exists()
