"""The page's "Common Patterns" on a Vault server: a real PostgreSQL, and an API that is shown the real headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from beyond_the_page import digest
from internet import Api, Internet, served
from page_flows import SECRET, Finished, artifact, run_page, succeeded
from postgresql import PostgreSQL

from tacenda.testing import OpenBao, openbao

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

OLD, NEW, KEY, TOKEN, STAGING = (SECRET % (kind, "vault") for kind in ("old", "new", "key", "token", "staging"))
USER, DATABASE = "trainer", "production"
ROWS = [("1", "ada", DATABASE), ("2", USER, "127.0.0.1")]
"""What the table holds: also the names of its database, its user and its host."""


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        running.create(user=USER, password=OLD, database=DATABASE)
        running.fill(DATABASE, "users", ROWS)
        yield running


@pytest.fixture(scope="module")
def vault() -> Iterator[OpenBao]:
    with openbao() as running:
        yield running


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest.fixture(scope="module")
def variables(vault: OpenBao, api: Api) -> Iterator[dict[str, str]]:
    """A login at the Vault server, and the way to `https://api.example.com`."""
    with (
        served(api, "api.example.com") as authority,
        Internet({"api.example.com:443": api.server_address[1]}, authority) as internet,
    ):
        yield {**internet.environment(), "VAULT_TOKEN": vault.token}


@pytest.fixture(scope="module")
def project(vault: OpenBao, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A directory whose stack is the server."""
    directory = tmp_path_factory.mktemp("patterns")
    (directory / "tacenda.yaml").write_text(
        f"stacks: {{prod: {{secrets: {{provider: vault, vault_url: '{vault.url}', vault_mount: secret}}}}}}"
    )
    return directory


@pytest.fixture(scope="module")
def runs(project: Any, variables: dict[str, str], database: PostgreSQL, vault: OpenBao, api: Api) -> list[Finished]:
    """The flow, twice: the password is rotated in between, the port is a text then, and the API repeats its headers."""
    put(vault, "api-credentials", {"API_TOKEN": TOKEN, "API_KEY": KEY})
    found = []
    for password, port in ((OLD, database.port), (NEW, str(database.port))):
        database.rotate(USER, password)
        credentials = {"HOST": database.host, "PORT": port, "DATABASE": DATABASE, "USER": USER, "PASSWORD": password}
        put(vault, "db-credentials", credentials)
        api.echoes = password == NEW
        found.append(run_page("patterns_flow.py", project, **variables))
    return found


def put(vault: OpenBao, name: str, value: dict[str, Any]) -> None:
    vault.client().secrets.kv.v2.create_or_update_secret(path=name, secret=value)


def test_database(runs: list[Finished]):
    """psycopg2 connects by HOST, PORT, DATABASE, USER and PASSWORD (S1.2, S1.56).

    The port is a number or a text (S1.57). A password that was rotated is the next run's (S1.52).
    """
    assert [run.told("query")["port"] for run in runs] == ["int", "Secret"]
    assert [run.told("query")["password"] for run in runs] == [digest(OLD), digest(NEW)]


def test_rows(runs: list[Finished]):
    """Rows are an artifact as they are in the table, readable in the log, with the database's names (S1.58, S1.59)."""
    assert succeeded(runs[0]).told("end")["results"] == [list(row) for row in ROWS]
    assert artifact(runs[0].directory, "PatternsFlow", "results") == [list(row) for row in ROWS]
    assert f"rows: {ROWS}\n" in runs[0].output
    assert f"as {USER} with [masked] on {DATABASE}\n" in runs[0].output


def test_headers(runs: list[Finished], api: Api):
    """The API sees the real token and key, the console their masks (S1.60, S1.61)."""
    assert [request.headers["Authorization"] for request in api.requests] == [f"Bearer {TOKEN}"] * 2
    assert [request.headers["X-API-Key"] for request in api.requests] == [KEY] * 2
    assert "headers: {'Authorization': 'Bearer [masked]', 'X-API-Key': <Secret [masked]>}\n" in runs[0].output


def test_answer(runs: list[Finished]):
    """An answer without values is an artifact as it came (S1.19, S1.58)."""
    assert runs[0].told("end")["data"] == Api.data


def test_answer_that_repeats_the_token(runs: list[Finished]):
    """An API that repeats the token would put it into the datastore: the step fails, naming the artifact."""
    assert runs[1].code == 1
    assert "SecretLeak" in runs[1].output
    assert "artifact 'data' of step 'fetch_data' holds the value of" in runs[1].output


def test_nothing_is_left(runs: list[Finished]):
    """No value is in what the flow prints or in what Metaflow keeps of it, refused or not."""
    assert [run.leaks(OLD, NEW, KEY, TOKEN) for run in runs] == [[], []]


def test_practices(project: Any, variables: dict[str, str], vault: OpenBao):
    """The page's "Best Practices" run on a Vault server too, in the namespace `staging` (S1.49 to S1.51, S1.54)."""
    put(vault, "api-keys", {"API_KEY": KEY})
    put(vault, "api-keys-staging", {"API_KEY": STAGING})
    done = succeeded(run_page("practices_flow.py", project, "--namespace", "staging", **variables))
    assert done.told("of_environment")["names"] == ["api-keys-staging"]
    assert done.told("of_environment")["value"] == digest({"API_KEY": STAGING})
    assert "Using API key: [masked]\n" in done.output
    assert "Using API key: sk-e...\n" in done.output
    assert done.leaks(KEY, STAGING) == []


def test_clash(project: Any, variables: dict[str, str], vault: OpenBao):
    """`@environment` and `@secrets` that want the same variables: one error lists every one of them (S1.78)."""
    put(vault, "api-keys", {"API_KEY": KEY})
    put(vault, "db-credentials", {"PASSWORD": NEW})
    done = run_page("clash_flow.py", project, **variables)
    assert done.code == 1
    assert "API_KEY: from 'api-keys#API_KEY', and set already" in done.output
    assert "PASSWORD: from 'db-credentials#PASSWORD', and set already" in done.output
    assert done.output.count("Cannot inject secrets") == 1
