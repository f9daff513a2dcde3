"""`tacenda mask`: another program's output, masked with what the stack holds, or nothing at all."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from command_line import VALUE, Cli

PASSWORD = "example-password"


@pytest.fixture
def keys(local: Cli) -> Cli:
    """The command, with a text, a bundle and a short secret."""
    content = {"token": VALUE, "db": {"PASSWORD": PASSWORD, "HOST": "db.example.com"}, "pin": "1234"}
    local.write("secrets.json", json.dumps(content))
    return local


@pytest.fixture
def process(keys: Cli) -> Iterator[subprocess.Popen[bytes]]:
    """The command, waiting for input."""
    pipe = subprocess.PIPE
    with keys.start("mask", stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        yield process


def read(process: subprocess.Popen[bytes], expected: bytes) -> None:
    """Read as many bytes as are expected, which come though the input goes on."""
    seen = b""
    deadline = time.monotonic() + 20
    while len(seen) < len(expected):
        ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"there came only {seen!r}"
        chunk = os.read(process.stdout.fileno(), len(expected) - len(seen))
        assert chunk, f"it ended after {seen!r}"
        seen += chunk
    assert seen == expected


def test_everything(keys: Cli):
    """By default every secret of the stack is masked, keys of bundles too; everything else stays as it was."""
    done = keys("mask", stdin=f"a {VALUE} b\n{PASSWORD}\ndb.example.com\n").ok()
    assert done.out == "a [masked] b\n[masked]\ndb.example.com\n"


def test_encoded(keys: Cli):
    """Values are masked in their usual encodings too."""
    text = base64.b64encode(f"user:{VALUE}".encode()).decode()
    done = keys("mask", stdin=f"Basic {text} {VALUE.encode().hex()}\n").ok()
    assert VALUE.encode().hex() not in done.out
    assert VALUE.encode() not in base64.b64decode(done.out.split()[1].replace("[masked]", "AAAA") + "==")


def test_named(keys: Cli):
    """With `--secret` what is named is masked; another document of the stack is not even read."""
    keys.configure("{provider: env}")
    done = keys("mask", "--secret", "TOKEN", stdin=f"{VALUE} {PASSWORD}", TOKEN=VALUE, OTHER=PASSWORD).ok()
    assert done.out == f"[masked] {PASSWORD}"


def test_stack(keys: Cli):
    """`--stack` says whose secrets."""
    keys.write("prod.json", json.dumps({"token": "example-other-token"}))
    stacks = (
        "{dev: {secrets: {provider: local, path: secrets.json}}, prod: {secrets: {provider: local, path: prod.json}}}"
    )
    keys.write("tacenda.yaml", f"stacks: {stacks}\n")
    text = f"{VALUE} example-other-token"
    assert keys("mask", "--stack", "prod", stdin=text).ok().out == f"{VALUE} [masked]"


def test_binary(keys: Cli):
    """Bytes that are no text pass unchanged, line ends as well, and a value among them is masked."""
    noise = bytes(range(256)) * 500
    done = keys("mask", stdin=noise + VALUE.encode() + b"\r\n\0" + noise).ok()
    assert done.raw == noise + b"[masked]\r\n\0" + noise


def test_not_masked(keys: Cli):
    """A secret that is too short to be masked is named once on standard error, and its value is not."""
    done = keys("mask", stdin="1234").ok()
    assert (done.out, done.err) == ("1234", "tacenda: 'pin' is shorter than 6 characters and is not masked\n")
    assert keys("mask", "--secret", "token").ok().err == ""


def test_at_once(process: subprocess.Popen[bytes]):
    """Lines are passed on as they come, not only when a buffer is full."""
    for number in range(3):
        process.stdin.write(f"line {number} {VALUE}\n".encode())
        process.stdin.flush()
        read(process, f"line {number} [masked]\n".encode())
    process.stdin.close()
    assert process.wait(20) == 0


def test_prompt(process: subprocess.Popen[bytes]):
    """A prompt that ends as a value begins is shown while the program waits (checklist 16)."""
    process.stdin.write(b"Name, ex")
    process.stdin.flush()
    read(process, b"Name, ex")
    process.stdin.write(f"\n{VALUE[:9]}".encode())
    process.stdin.flush()
    read(process, b"\n[masked]")
    process.stdin.write(f"{VALUE[9:]}.".encode())
    process.stdin.close()
    read(process, b".")
    assert process.wait(20) == 0


def test_byte_by_byte(process: subprocess.Popen[bytes]):
    """A value that comes in many writes is masked (checklist 16)."""
    for byte in f"a {VALUE} b {PASSWORD}".encode():
        process.stdin.write(bytes([byte]))
        process.stdin.flush()
    process.stdin.close()
    read(process, b"a [masked] b [masked]")
    assert process.wait(20) == 0


def test_reader_is_gone(keys: Cli):
    """`… | tacenda mask | head -1` ends quietly, and ends the program before it."""
    done = keys.shell(f"yes {VALUE} | tacenda mask | head -1; echo ${{PIPESTATUS[@]}}")
    assert done.stdout.splitlines()[0] == "[masked]"
    assert done.stdout.splitlines()[1].split()[1:] == ["0", "0"]
    assert "rror" not in done.stderr


def test_last_words(process: subprocess.Popen[bytes]):
    """Ctrl-C reaches the program before it and `mask` alike: what that program says about it is still passed on."""
    process.stdin.write(b"first\n")
    process.stdin.flush()
    read(process, b"first\n")
    process.send_signal(signal.SIGINT)
    process.stdin.write(f"interrupted {VALUE}\n".encode())
    process.stdin.close()
    read(process, b"interrupted [masked]\n")
    assert process.wait(20) == 0


def test_terminal(keys: Cli):
    """On a terminal it masks what is typed, and Ctrl-C ends it as it ends other commands."""
    with keys.terminal("mask") as terminal:
        terminal.expect("not masked")
        terminal.type(f"say {PASSWORD}\n")
        terminal.expect("say [masked]")
        assert terminal.interrupt() == 130


# -- nothing passes unmasked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--secret", "token", "--secret", "nothing"], 3, "'nothing'"),
        (["--stack", "nowhere"], 1, "nowhere"),
        (["--config", "nowhere.yaml"], 1, "nowhere.yaml"),
    ],
)
def test_cannot_read(keys: Cli, arguments: list[str], code: int, says: str):
    """If a secret cannot be read, nothing of the input is passed on; the exit code says why, as for other commands."""
    done = keys("mask", *arguments, stdin=f"{VALUE}\nharmless\n")
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_cannot_list(cli: Cli):
    """Where secrets cannot be listed, the error says to name them, and nothing is passed on."""
    cli.configure("{provider: env}")
    done = cli("mask", stdin=VALUE, TOKEN=VALUE)
    assert (done.code, done.out) == (1, "")
    assert "--secret NAME" in done.err


def test_nothing_to_mask(local: Cli):
    """A stack without secrets is an error: somebody who masks expects there to be some."""
    local.write("secrets.json", "{}")
    done = local("mask", stdin=VALUE)
    assert (done.code, done.out) == (3, "")
    assert "nothing to mask" in done.err


def test_server(vault: Cli):
    """The secrets of a server are listed and masked; when it denies the listing, the error says to name them."""
    vault("set", "token", "--from-file", "-", stdin=VALUE).ok()
    assert vault("mask", stdin=f"{VALUE}!").ok().out == "[masked]!"
    denied = vault("mask", stdin=VALUE, VAULT_TOKEN="example-wrong-token")
    assert (denied.code, denied.out) == (4, "")
    assert "--secret NAME" in denied.err


def test_complete(keys: Cli):
    """A file is complete when `tacenda mask` has ended: it writes by itself, and no helper comes after it."""
    line = "for i in 1 2 3; do seq 1 20000 | tacenda mask > file; wc -l < file; done"
    assert keys.shell(line).stdout.split() == ["20000"] * 3


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_closed(keys: Cli, closed: str):
    """With standard input or output closed it says so, and has no value in what it says."""
    done = keys.shell(f"tacenda mask {closed}", stdin=VALUE)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is closed" in done.stderr
    assert VALUE not in done.stderr
