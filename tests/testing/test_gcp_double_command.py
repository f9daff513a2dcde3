"""`python -m tacenda.testing.gcp`: a server for other programs, which leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tacenda.errors import MissingDependency
from tacenda.testing import gcp, gcp_secret_manager

READER = """
import os, sys, warnings
warnings.filterwarnings("ignore", category=FutureWarning)
from google.cloud import secretmanager
client = secretmanager.SecretManagerServiceClient(client_options={"api_endpoint": sys.argv[1]})
parent = "projects/" + os.environ["GOOGLE_CLOUD_PROJECT"]
client.create_secret(parent=parent, secret_id="api-keys", secret={"replication": {"automatic": {}}})
client.add_secret_version(parent=parent + "/secrets/api-keys", payload={"data": b"example-key"})
print(client.access_secret_version(name=parent + "/secrets/api-keys/versions/latest").payload.data.decode())
"""

FORKER = """
import os, sys, warnings
warnings.filterwarnings("ignore", category=FutureWarning)
from tacenda.testing import gcp_secret_manager
server = gcp_secret_manager(tls=True)
path = server.environment()["GOOGLE_APPLICATION_CREDENTIALS"]
if os.fork() == 0:
    server.close()
    os._exit(0)
os.wait()
assert os.path.exists(path)
assert list(server.client().list_secrets(parent="projects/p")) == []
"""


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command; give the process, and what it printed until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tacenda.testing.gcp", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        lines: list[str] = []
        while not lines or lines[-1] not in {"# ready", ""}:
            lines.append(process.stdout.readline().rstrip("\n"))
        yield process, lines
    finally:
        process.kill()
        process.communicate()


def exports(lines: list[str]) -> dict[str, str]:
    pairs = (line.removeprefix("export ").partition("=") for line in lines if line.startswith("export "))
    return {name: value for name, _, value in pairs}


def endpoint(lines: list[str]) -> str:
    return lines[0].partition("://")[2].partition(";")[0]


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_another_program_uses_what_it_prints(ending: signal.Signals, tmp_path: Path) -> None:
    """With the printed variables another process logs in and reads; Ctrl-C ends the server, its port and its files."""
    with command("--port", "0", "--tls", "--project", "team-project") as (process, lines):
        variables = exports(lines)
        assert variables["GOOGLE_CLOUD_PROJECT"] == "team-project"
        files = [Path(variables["GOOGLE_APPLICATION_CREDENTIALS"]), Path(variables["REQUESTS_CA_BUNDLE"])]
        assert all(file.exists() for file in files)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        read = subprocess.run(
            [sys.executable, "-c", READER, endpoint(lines)],
            env={**kept, "HOME": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (read.stdout, read.stderr) == ("example-key\n", "")
        process.send_signal(ending)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")
    assert not any(file.parent.exists() for file in files)
    assert not listens(endpoint(lines))


def test_without_tls_it_prints_the_settings_to_use() -> None:
    """An emulator needs no login: the project, and the endpoint for a stack; it listens on loopback only."""
    with command("--port", "0") as (_, lines):
        assert exports(lines) == {"GOOGLE_CLOUD_PROJECT": "example-project"}
        address = endpoint(lines)
        assert address.startswith("127.0.0.1:")
        assert any(f"api_endpoint: http://{address}" in line for line in lines)
        assert all(line.startswith(("#", "export ")) for line in lines)
        assert listens(address)


def test_a_taken_port_is_told_in_one_line() -> None:
    """The command ends with status 1 and the reason if somebody listens there already."""
    with gcp_secret_manager() as server:
        port = server.endpoint.partition(":")[2]
        with command("--port", port) as (process, lines):
            assert lines == [""]
            assert process.wait(20) == 1
            assert process.stderr
            [line] = process.stderr.readlines()
            assert f"cannot listen on 127.0.0.1:{port}" in line


def test_an_unclosed_server_does_not_keep_its_process() -> None:
    """A program that forgets to close the server ends nevertheless, silently, and without its files."""
    script = (
        "import warnings; warnings.filterwarnings('ignore', category=FutureWarning)\n"
        "from tacenda.testing import gcp_secret_manager\n"
        "server = gcp_secret_manager(tls=True)\n"
        "list(server.client().list_secrets(parent='projects/p'))\n"
        "print(server.environment()['GOOGLE_APPLICATION_CREDENTIALS'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert not Path(done.stdout.strip()).parent.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_close_its_parents_server() -> None:
    """Closing in a child leaves server and files to the parent."""
    done = subprocess.run([sys.executable, "-c", FORKER], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_sdk_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without google-cloud-secret-manager the error says what to install."""
    monkeypatch.setitem(sys.modules, "google.cloud.secretmanager_v1", None)
    with pytest.raises(MissingDependency) as caught:
        gcp.gcp_secret_manager()
    assert "tacenda[gcp,testing]" in str(caught.value)
