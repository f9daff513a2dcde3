"""Logging in to Secret Manager: every documented way, over TLS, with nothing but the environment (S0.42, S0.72)."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gcp_lab import GcpLab

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError
from tacenda.providers._gcp_payload import encoded
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager, gcp_secret_manager
from tacenda.testing._conformance._base import refused
from tacenda.testing._process import free_port

IN_PROCESS = ("service_account", "authorized_user", "workload_identity")  # google-auth reads the fourth at import


@pytest.fixture(scope="module")
def server() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager(tls=True) as server:
        yield server


@pytest.fixture
def lab(server: GcpSecretManager) -> GcpLab:
    lab = GcpLab(server)
    lab.put("x", b"example")
    return lab


@pytest.fixture
def log_in(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., GcpProvider]:
    """Return a function that sets the environment of a login and returns a provider that has not used it yet."""

    def environment(login: str) -> GcpProvider:
        for name, value in lab.server.environment(login).items():
            monkeypatch.setenv(name, value)
        return lab.provider()

    return environment


def edited(tmp_path: Path, variable: str, **changes: Any) -> str:
    """Return a copy of the credentials file that a variable names, with other content."""
    content = json.loads(Path(os.environ[variable]).read_text())
    copy = tmp_path / "credentials.json"
    copy.write_text(json.dumps({**content, **changes}))
    return str(copy)


# -- each login, as a user has it --------------------------------------------------------------------


@pytest.mark.parametrize("login", [*IN_PROCESS, "metadata_server"])
def test_every_login_by_the_command_line(lab: GcpLab, tmp_path: Path, login: str) -> None:
    """A key file (S0.43), workload identity (S0.44), gcloud's login (S0.45) and an attached service account all read.

    Each is found by Application Default Credentials; the configuration names project and endpoint only.
    """
    entry = f"{{provider: gcp_secretmanager, project_id: {lab.project}, api_endpoint: '{lab.server.endpoint}'}}"
    (tmp_path / "tacenda.yaml").write_text(f"stacks: {{prod: {{secrets: {entry}}}}}\n")
    done = tacenda(tmp_path, "get", "x", **lab.server.environment(login))
    assert (done.stdout, done.returncode) == ("example", 0), done.stderr
    assert [call.split(" ")[0] for call in lab.server.calls if "Secret" in call] == ["AccessSecretVersion"]


def tacenda(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a directory."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tacenda", *arguments],
        cwd=directory,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("login", "tokens"),
    [("service_account", []), ("authorized_user", ["POST /token"]), ("workload_identity", ["POST /v1/token"])],
)
def test_requests_of_a_login(lab: GcpLab, log_in: Callable[..., GcpProvider], login: str, tokens: list[str]) -> None:
    """A login is at most one request per process, also for 16 threads at once; a key file needs none."""
    gcp = log_in(login)
    with lab.counted() as asked, ThreadPoolExecutor(16) as pool:
        assert {document.value for document in pool.map(gcp.read, [gcp.path_of("x")] * 16)} == {"example"}
    assert asked == [*tokens, *["AccessSecretVersion"] * 16]


def test_the_workloads_token_stays_out_of_the_log(
    log_in: Callable[..., GcpProvider], caplog: pytest.LogCaptureFixture
) -> None:
    """What google-auth logs at DEBUG of a request for a token, among it the workload's own one, is not logged."""
    logger = logging.getLogger("google.auth.transport.requests")
    caplog.set_level(logging.DEBUG, logger.name)
    gcp = log_in("workload_identity")
    file = json.loads(Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())["credential_source"]["file"]
    logger.addHandler(caplog.handler)
    try:
        gcp.read(gcp.path_of("x"))
    finally:
        logger.removeHandler(caplog.handler)
    assert Path(file).read_text() not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize("login", IN_PROCESS)
def test_our_own_credentials_are_masked(log_in: Callable[..., GcpProvider], login: str) -> None:
    """Each token, and what it is got with, is told to the masker before its first use."""
    gcp = log_in(login)
    told: list[str] = []
    gcp.protect = lambda _, label: told.append(label)
    gcp.read(gcp.path_of("x"))
    own = ["Google refresh token", "Google client secret"] if login == "authorized_user" else []
    assert told == [*own, "Google access token"]


def test_gcloud_itself_is_not_run(
    log_in: Callable[..., GcpProvider], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the project is known, gcloud is not started to ask for it, which would take a second."""
    (tmp_path / "gcloud").write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    (tmp_path / "gcloud").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gcp = log_in("authorized_user")
    assert gcp.read(gcp.path_of("x")).value == "example"
    assert not (tmp_path / "was-run").exists()


# -- projects ----------------------------------------------------------------------------------------


def test_the_project_of_the_login(
    server: GcpSecretManager, log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `project_id` and GOOGLE_CLOUD_PROJECT it is the key file's project (S0.42)."""
    log_in("service_account")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    gcp = GcpProvider({"api_endpoint": server.endpoint}, Path())
    gcp.write(gcp.path_of("x"), "example")
    assert gcp.path_of("x") == "x"
    assert gcp.read(f"{server.project}/x").value == "example"
    assert gcp.read("x").value == "example"


def test_a_login_without_a_project(
    server: GcpSecretManager, log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the login names no project either, the message names the setting (S0.15)."""
    log_in("authorized_user")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    monkeypatch.setenv("PATH", "")  # no gcloud that knows one
    gcp = GcpProvider({"api_endpoint": server.endpoint}, Path())
    with pytest.raises(ConfigurationError, match="project_id"):
        gcp.read("x")


def test_the_project_that_pays(log_in: Callable[..., GcpProvider]) -> None:
    """The quota project of a gcloud login is sent along, as the SDK does."""
    gcp = log_in("authorized_user")
    gcp.read(gcp.path_of("x"))
    secrets, _ = gcp._place()
    sent: dict[str, str] = {}
    secrets.client._login.headers(None, lambda headers, _: sent.update(headers))
    assert sent["x-goog-user-project"] == "example-project"


# -- renewal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", IN_PROCESS)
def test_a_refused_token_is_renewed(lab: GcpLab, log_in: Callable[..., GcpProvider], login: str) -> None:
    """A token that the server does not take any more is replaced once, for all threads."""
    gcp = log_in(login)
    gcp.read(gcp.path_of("x"))
    lab.server.expire_tokens()
    with lab.counted() as asked, ThreadPoolExecutor(16) as pool:
        assert {document.value for document in pool.map(gcp.read, [gcp.path_of("x")] * 16)} == {"example"}
    assert len([call for call in asked if call.startswith("POST")]) == (login != "service_account")


def test_a_login_that_stays_refused(
    lab: GcpLab, log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the new token is refused too, that is the answer: denied, after two requests, and named."""
    gcp = log_in("service_account")
    gcp.read(gcp.path_of("x"))
    secrets, _ = gcp._place()
    credentials = secrets.client._login._credentials
    refresh = type(credentials).refresh
    lab.server.expire_tokens()

    def of_no_use(self: Any, request: Any) -> None:
        refresh(self, request)
        lab.server.expire_tokens()
        self.token += "x"

    monkeypatch.setattr(type(credentials), "refresh", of_no_use)
    with lab.counted() as asked:
        error = refused(AccessDenied, lambda: gcp.read(gcp.path_of("x")), "example-value")
    assert asked == ["AccessSecretVersion"] * 2
    assert "tacenda-test@" in str(error)
    assert "gcloud auth application-default" in str(error.hint)


# -- logins that fail --------------------------------------------------------------------------------


def test_denied_names_who_asked(lab: GcpLab, log_in: Callable[..., GcpProvider]) -> None:
    """A denial says as whom we asked, since that is what people look for first (S1.74)."""
    gcp = log_in("service_account")
    with lab.server.denied("x"):
        error = refused(AccessDenied, lambda: gcp.read(gcp.path_of("x")))
    assert "as tacenda-test@example-project.iam.gserviceaccount.com" in str(error)


def test_a_gcloud_login_that_was_revoked(
    log_in: Callable[..., GcpProvider], lab: GcpLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that Google refuses is denied, with the command that renews it; nothing of it is shown."""
    log_in("authorized_user")
    file = Path(os.environ["CLOUDSDK_CONFIG"]) / "application_default_credentials.json"
    (tmp_path / file.name).write_text(json.dumps({**json.loads(file.read_text()), "refresh_token": "example-old-one"}))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    gcp = lab.provider()
    error = refused(AccessDenied, lambda: gcp.read(gcp.path_of("x")), "example-old-one")
    assert "invalid_grant" in str(error)
    assert "gcloud auth application-default login" in str(error.hint)
    assert error.retry_for == 0


def test_a_token_endpoint_that_is_down(
    log_in: Callable[..., GcpProvider], lab: GcpLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the login could not be tried, that is an outage and no denial."""
    log_in("workload_identity")
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    nowhere = f"https://127.0.0.1:{free_port()}/v1/token"
    monkeypatch.setenv(variable, edited(tmp_path, variable, token_url=nowhere))
    gcp = lab.provider()
    error = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")))
    assert error.retry_for == 10.0


@pytest.mark.parametrize("login", ["authorized_user", "workload_identity"])
def test_an_authority_of_the_login_that_is_missing(
    log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    """A file of authorities for the login that is not there is an outage too, and the message names both."""
    gcp = log_in(login)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    error = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")))
    assert "/nonexistent/ca.pem" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)


def test_a_login_takes_of_the_time(
    lab: GcpLab, log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose time is over before the login is there is not sent any more."""
    gcp = log_in("service_account")
    secrets, at = gcp._at(gcp.path_of("x"))
    renew = secrets.client._login._refresh
    monkeypatch.setattr(secrets.client._login, "_refresh", lambda: (time.sleep(0.1), renew()))
    with lab.counted() as asked:
        error = refused(BackendUnavailable, lambda: secrets.add(at, encoded("example-value"), timeout=0.05))
    assert not asked
    assert error.retry_for > 0


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "not found"), ("no json", "json"), ('{"type": "other"}', "type"), ("[]", "GOOGLE_APPLICATION_CREDENTIALS")],
)
def test_a_credentials_file_that_is_none(
    lab: GcpLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, why: str
) -> None:
    """A file that is missing or no login is a configuration error that names the variable."""
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(ConfigurationError, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        lab.provider().read("p/x")
    assert why in str(caught.value)


def test_a_credentials_file_that_cannot_be_read(lab: GcpLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, or a file of another user, is a configuration error that names it."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        lab.provider().read("p/x")
    assert f"GOOGLE_APPLICATION_CREDENTIALS is no login: {tmp_path}: Is a directory" in str(caught.value)


def test_a_damaged_key_shows_nothing(
    log_in: Callable[..., GcpProvider], lab: GcpLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service account's key that cannot be read is a configuration error, and is not repeated."""
    log_in("service_account")
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    broken = "-----BEGIN PRIVATE KEY-----\nexample-damaged\n-----END PRIVATE KEY-----\n"
    monkeypatch.setenv(variable, edited(tmp_path, variable, private_key=broken))
    refused(ConfigurationError, lambda: lab.provider().read("p/x"), "example-damaged")


def test_an_authority_that_nobody_knows(
    lab: GcpLab, log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose certificate is of another authority gets no token, and the hint names the variable."""
    gcp = log_in("service_account")
    monkeypatch.delenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    with lab.counted() as asked:
        error = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")))
    assert not asked
    assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in str(error.hint)


def test_an_authority_file_that_is_missing(log_in: Callable[..., GcpProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of authorities that is not there is a configuration error; nobody else's are trusted instead."""
    gcp = log_in("service_account")
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/nonexistent/ca.pem")
    with pytest.raises(ConfigurationError, match=r"/nonexistent/ca\.pem"):
        gcp.read(gcp.path_of("x"))


@contextmanager
def silent_server() -> Iterator[tuple[str, list[bytes]]]:
    """Take connections and read, and never answer: a network that swallows what is sent to the metadata server."""
    asked: list[bytes] = []
    kept: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            asked.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def test_no_login_anywhere(tmp_path: Path) -> None:
    """Without any login the message lists what was tried; the metadata server is asked once, not again and again."""
    entry = "{provider: gcp_secretmanager, project_id: p, api_endpoint: '127.0.0.1:1'}"
    (tmp_path / "tacenda.yaml").write_text(f"stacks: {{prod: {{secrets: {entry}}}}}\n")
    with silent_server() as (address, asked):
        variables = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address, "GCE_METADATA_TIMEOUT": "1"}
        done = tacenda(tmp_path, "get", "x", **variables)
    assert done.returncode == 1
    assert "GOOGLE_APPLICATION_CREDENTIALS: not set" in done.stderr
    assert "application_default_credentials.json: not there" in done.stderr
    assert "metadata server of Google Cloud: not reachable" in done.stderr
    assert "gcloud auth application-default login" in done.stderr
    assert len(asked) == 1
