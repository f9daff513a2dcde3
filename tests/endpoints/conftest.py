"""Real endpoints for the conformance kit: the developer's own, or the servers of docker/compose.yaml."""

from __future__ import annotations

import os
import shlex
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tacenda import SecretInfo, SecretStore
from tacenda.testing._process import free_port

COMPOSE = Path(__file__).parents[2] / "docker" / "compose.yaml"
PORTS = ("VAULT", "AWS", "AZURE", "IDENTITY", "GCP")
START_TIMEOUT = 120.0
DIFFERENCES = {
    ("AWS", "test_delete"): "moto takes a new version of a secret that is deleted",
    ("GCP", "test_list_of_250"): "the emulator cuts its pages from a list whose order changes",
    ("GCP", "test_concurrent_updates_lose_nothing"): "the emulator has no entity tags",
}
"""Tests that a public image cannot pass because it differs from the service: the server, the test, and why."""


@pytest.fixture(scope="session")
def surroundings(request: pytest.FixtureRequest, developers_environment: dict[str, str]) -> dict[str, str]:
    """Variables that name the endpoints and log in there: what the developer has exported, or what the servers need."""
    if request.config.getoption("--docker"):
        return dict(request.getfixturevalue("docker_environment"))
    return developers_environment


@pytest.fixture(autouse=True)
def _logged_in(monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str], request: pytest.FixtureRequest) -> None:
    """Be the developer again, but for tacenda's own settings."""
    for name, value in surroundings.items():
        ours = name.startswith("TACENDA_")
        if not ours and (name not in os.environ or request.config.getoption("--docker")):
            monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _known_differences(request: pytest.FixtureRequest, developers_environment: dict[str, str]) -> None:
    """Leave out where a public image is known to differ; images of one's own are as faithful as the doubles."""
    server = request.path.stem.removeprefix("test_").upper()
    why = DIFFERENCES.get((server, request.node.originalname))
    public = request.config.getoption("--docker") and f"TACENDA_DOCKER_{server}" not in developers_environment
    if why and public:
        request.applymarker(pytest.mark.xfail(reason=why, run=False))


@pytest.fixture
def prefix() -> str:
    """What the names of one test start with; nobody else's do."""
    return f"tacenda-kit-{uuid.uuid4().hex[:12]}-"


@pytest.fixture
def settling() -> Callable[[SecretStore, float], Any]:
    """Return a function that wraps a store: its listings wait, for so many seconds, for what this test has written."""
    return _Settling


class _Settling:
    """A store that knows the names it has `written`, and waits for services whose listings lag behind."""

    def __init__(self, store: SecretStore, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self.written: set[str] = set()
        self._deleted: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def set(self, name: str, *args: Any, **options: Any) -> SecretInfo:
        info = self._store.set(name, *args, **options)
        self.written.add(name)
        self._deleted.discard(name)
        return info

    def delete(self, name: str) -> None:
        self._store.delete(name)
        self._deleted.add(name)

    def list(self, prefix: str = "") -> Iterator[SecretInfo]:
        expected = {name for name in self.written - self._deleted if name.startswith(prefix)}
        deadline = time.monotonic() + self._seconds
        found = list(self._store.list(prefix))
        while {info.name for info in found} != expected and time.monotonic() < deadline:
            time.sleep(1)
            found = list(self._store.list(prefix))
        return iter(found)


# -- docker ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def ports(developers_environment: dict[str, str]) -> dict[str, int]:
    """The chosen ports of this machine, else free ones, so that no server that runs already is in the way."""
    return {name: int(developers_environment.get(f"TACENDA_DOCKER_{name}_PORT") or free_port()) for name in PORTS}


@pytest.fixture(scope="session")
def docker_compose_command(
    request: pytest.FixtureRequest, ports: dict[str, int], developers_environment: dict[str, str]
) -> str:
    """`docker compose`, or `docker-compose` where that is what there is, with images and ports as chosen."""
    chosen = {name: value for name, value in developers_environment.items() if name.startswith("TACENDA_DOCKER_")}
    chosen.update({f"TACENDA_DOCKER_{name}_PORT": str(port) for name, port in ports.items()})
    return f"env {shlex.join(f'{name}={value}' for name, value in chosen.items())} {_compose(request.session)}"


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(COMPOSE)


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """Nothing: pytest-docker leaves behind what has run when another server did not start, so we start them."""
    return []


@pytest.fixture(scope="session")
def docker_environment(
    request: pytest.FixtureRequest,
    docker_services: Any,
    ports: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """Start the servers and wait for them; return what a developer would export to use them."""
    checks = {
        "VAULT": lambda: _answers(ports["VAULT"], "/v1/sys/health"),
        "AWS": lambda: _answers(ports["AWS"], "/moto-api/"),
        "IDENTITY": lambda: _answers(ports["IDENTITY"], "/metadata/identity/oauth2/token"),
        "AZURE": lambda: _certificate(ports["AZURE"]) is not None,
        "GCP": lambda: _serves_grpc(ports["GCP"]),
    }
    doing = "docker compose up"
    try:
        docker_services._docker_compose.execute("up --wait")
        for name, check in checks.items():
            doing = f"waiting {START_TIMEOUT:.0f} s for {name} at port {ports[name]}"
            docker_services.wait_until_responsive(check, timeout=START_TIMEOUT, pause=0.2)
    except Exception as error:  # noqa: BLE001 - pytest-docker's own are of no kind
        _give_up(request.session, f"{doing}: {error}")
    trusted = tmp_path_factory.mktemp("docker") / "ca.pem"
    trusted.write_text(_authority(docker_services) or str(_certificate(ports["AZURE"])))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    return {
        "TACENDA_TEST_VAULT_URL": urls["VAULT"],
        "VAULT_TOKEN": "example-root",
        "TACENDA_TEST_AWS_REGION": "us-east-1",
        "TACENDA_TEST_AWS_URL": urls["AWS"],
        "AWS_ACCESS_KEY_ID": "example-access-key-id",
        "AWS_SECRET_ACCESS_KEY": "example-secret-access-key",
        "TACENDA_TEST_AZURE_URL": f"https://127.0.0.1:{ports['AZURE']}",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": urls["IDENTITY"],
        "REQUESTS_CA_BUNDLE": str(trusted),
        "TACENDA_TEST_GCP_PROJECT": "example-project",
        "TACENDA_TEST_GCP_URL": urls["GCP"],
    }


def _give_up(session: pytest.Session, why: str) -> NoReturn:
    """Fail once, and not for each test."""
    session.shouldfail = "without servers there is nothing to test"
    raise pytest.fail.Exception(f"--docker: {why}", pytrace=False) from None


def _compose(session: pytest.Session) -> str:
    """Return the command that reaches a daemon."""
    said = []
    for command in ("docker compose", "docker-compose"):
        try:
            subprocess.run([*command.split(), "ls"], check=True, capture_output=True, text=True)
        except OSError as error:
            said.append(f"{error.filename}: {error.strerror}")
        except subprocess.CalledProcessError as error:
            said.append(f"{command} ls: {error.stderr.strip()}")
        else:
            return command
    _give_up(session, f"this needs Docker with Compose: {'; '.join(said)}")


def _answers(port: int, path: str) -> bool:
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False


def _serves_grpc(port: int) -> bool:
    # Docker's own proxy listens before the server does, and then hangs up.
    with socket.socket() as probe:
        probe.settimeout(1)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return len(probe.recv(9)) == 9
        except OSError:
            return False


def _certificate(port: int) -> str | None:
    try:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    except OSError:
        return None


def _authority(services: Any) -> str | None:
    """Return the authority of our own image; the public one's certificate is its own."""
    found = services._docker_compose.execute(
        "exec -T azure cat /tmp/ca/ca.pem", success_codes=(0, 1, 126, 127), ignore_stderr=True
    ).decode()
    return found if "BEGIN CERTIFICATE" in found else None
