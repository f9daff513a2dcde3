"""The GitHub double: what the real PyGithub finds there, and what tests can make it do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import github
import pytest
import requests
from github.PublicKey import encrypt

from tacenda.errors import MissingDependency
from tacenda.testing import GithubSecrets, github_secrets


@pytest.fixture(scope="module")
def server() -> Iterator[GithubSecrets]:
    with github_secrets() as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(server: GithubSecrets) -> None:
    server.reset()


@pytest.fixture
def repository(server: GithubSecrets) -> github.Repository.Repository:
    with server.client(lazy=True) as client:
        yield client.get_repo(server.repository)


def put(server: GithubSecrets, name: str, place: str = "repos/example-org/example-repo/actions", **body: object) -> int:
    key = requests.get(f"{server.url}/{place}/secrets/public-key", headers=login(server), timeout=5).json()
    sealed = {"key_id": key["key_id"], "encrypted_value": encrypt(key["key"], "example"), **body}
    url = f"{server.url}/{place}/secrets/{name}"
    return requests.put(url, json=sealed, headers=login(server), timeout=5).status_code


def login(server: GithubSecrets) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def key_status(server: GithubSecrets) -> int:
    place = f"repos/{server.repository}/actions/secrets/public-key"
    return requests.get(f"{server.url}/{place}", headers=login(server), timeout=5).status_code


def test_pygithub_works_with_it(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """PyGithub's own methods create, list, look up and delete; the value arrives."""
    repository.create_secret("token", "example-value")
    assert server.value("TOKEN") == "example-value"
    assert [secret.name for secret in repository.get_secrets()] == ["TOKEN"]
    assert repository.get_secret("TOKEN").created_at
    assert repository.delete_secret("TOKEN")
    assert not repository.delete_secret("TOKEN")


def test_pages(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """Lists come in pages of 30 with a link to the next one, as PyGithub follows them."""
    for number in range(65):
        put(server, f"KEY_{number:02}")
    server.requests.clear()
    assert [secret.name for secret in repository.get_secrets()] == [f"KEY_{number:02}" for number in range(65)]
    assert len(server.requests) == 3


def test_new_or_replaced(server: GithubSecrets) -> None:
    """A new secret is 201, a replaced one 204."""
    assert [put(server, "TOKEN"), put(server, "token")] == [201, 204]
    assert server.names() == ["TOKEN"]


def test_limits(server: GithubSecrets) -> None:
    """Names, sizes and the number of secrets have GitHub's limits."""
    assert [put(server, name) for name in ("1KEY", "GITHUB_KEY", "MY-KEY")] == [422] * 3
    assert put(server, "KEY", encrypted_value="bm9uc2Vuc2U=") == 422
    assert put(server, "KEY", key_id="1") == 422
    assert put(server, "KEY", "orgs/example-org/actions") == 422  # no visibility
    assert put(server, "KEY", "orgs/example-org/actions", visibility="all") == 201
    assert [put(server, f"KEY_{number}") for number in range(101)] == [201] * 100 + [422]


def test_too_large(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """More than 48 KB is refused."""
    repository.create_secret("LARGE", "x" * 48 * 1024)
    with pytest.raises(github.GithubException) as caught:
        repository.create_secret("LARGE", "x" * (48 * 1024 + 1))
    assert caught.value.status == 422


def test_a_rotated_key(server: GithubSecrets) -> None:
    """What was sealed for the key before is refused."""
    key = server._home(None, False).public_key()
    server.rotate_key()
    old = {"key_id": key["key_id"], "encrypted_value": encrypt(key["key"], "example")}
    assert put(server, "TOKEN", **old) == 422
    assert put(server, "TOKEN") == 201


def test_who_may(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """Bad credentials are 401, a lacking permission 403, what one may not see 404."""
    assert requests.get(f"{server.url}/repos/{server.repository}/actions/secrets", timeout=5).status_code == 401
    for fault, status in ((server.denied("token"), 403), (server.hidden(), 404)):
        with fault, pytest.raises(github.GithubException) as caught:
            repository.create_secret("TOKEN", "example")
        assert caught.value.status == status
    with server.denied("OTHER"):
        repository.create_secret("TOKEN", "example")
    server.expire_token()
    with pytest.raises(github.BadCredentialsException):
        repository.create_secret("TOKEN", "example")
    for place in ("repos/example-org/other/actions", "repos/example-org/example-repo/issues", "rate_limit"):
        assert requests.get(f"{server.url}/{place}/secrets", headers=login(server), timeout=5).status_code == 404


def test_limits_of_rate(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """PyGithub takes both kinds of limit for what they are, and when the time is over all is well."""
    for fault, status in (
        (server.throttled(60, primary=True), 403),
        (server.throttled(60, retry_after=5), 429),
        (server.unavailable(60), 503),
    ):
        with fault, pytest.raises(github.GithubException) as caught:
            repository.create_secret("TOKEN", "example")
        assert caught.value.status == status
    with server.throttled(0):
        repository.create_secret("TOKEN", "example")


def test_down(server: GithubSecrets, repository: github.Repository.Repository) -> None:
    """Inside the block nothing listens; afterwards the same port serves the same secrets."""
    repository.create_secret("TOKEN", "example")
    with server.down(), pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=5)
    with requests.Session() as session:
        kept = session.get(server.url, timeout=5)
        assert kept.headers.get("Connection") != "close"
        asked = len(server.requests)
        with server.down(), pytest.raises(requests.ConnectionError):  # also on a connection that was open before
            session.get(server.url, timeout=5)
        assert len(server.requests) == asked
    assert [secret.name for secret in repository.get_secrets()] == ["TOKEN"]


def test_nonsense(server: GithubSecrets) -> None:
    """A body that is no JSON, or a method that is none, is refused and no end of the server."""
    url = f"{server.url}/repos/{server.repository}/actions/secrets/KEY"
    assert requests.put(url, data=b"[", headers=login(server), timeout=5).status_code == 400
    assert requests.post(url, json={}, headers=login(server), timeout=5).status_code == 404


def test_as_a_program() -> None:
    """`python -m tacenda.testing.github` prints what to export, serves, and ends with Ctrl-C."""
    command = [sys.executable, "-m", "tacenda.testing.github", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout
        address = re.search(r"http://\S+", program.stdout.readline())
        lines = [program.stdout.readline().strip() for _ in range(2)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        headers = {"Authorization": f"token {variables['GH_ENTERPRISE_TOKEN']}"}
        assert address
        listed = requests.get(
            f"{address[0]}/repos/{variables['GH_REPO']}/actions/secrets", headers=headers, timeout=5
        ).json()
        os.kill(program.pid, signal.SIGINT)
        assert program.wait(10) == 0
        assert program.stderr
        assert program.stderr.read() == ""
    assert listed == {"total_count": 0, "secrets": []}


def test_a_taken_port_is_told_in_one_line(server: GithubSecrets) -> None:
    """The program ends with status 1 and the reason if somebody listens there already."""
    command = [sys.executable, "-m", "tacenda.testing.github", "--port", server.url.rpartition(":")[2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cannot listen on 127.0.0.1: ")


def test_a_fault_inside_another(server: GithubSecrets) -> None:
    """The inner one counts while it lasts, and then the outer one again."""
    with server.throttled(60):
        with server.unavailable(60):
            assert key_status(server) == 503
        assert key_status(server) == 429
    assert key_status(server) == 200


def test_without_pynacl_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyNaCl the error says what to install."""
    monkeypatch.setitem(sys.modules, "nacl.public", None)
    with pytest.raises(MissingDependency, match="pynacl"):
        github_secrets()
