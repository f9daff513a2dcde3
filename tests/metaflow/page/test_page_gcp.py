"""The page's flows on GCP Secret Manager, with its variable, commands and role: the double, at Google's address.

The flow asks `secretmanager.googleapis.com` and BigQuery at its own address; a proxy leads there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from beyond_the_page import digest
from internet import BigQuery, Internet, served
from page_flows import SECRET, Finished, run_page, succeeded

from tacenda.testing import GcpSecretManager, gcp_secret_manager

pytestmark = [pytest.mark.metaflow, pytest.mark.slow]

PROJECT = "my-project"
OLD, NEW = (SECRET % (kind, "gcp") for kind in ("old", "new"))


@pytest.fixture(scope="module")
def gcp() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager(tls=True, project=PROJECT) as running:
        yield running


@pytest.fixture(scope="module")
def bigquery() -> BigQuery:
    return BigQuery()


@pytest.fixture(scope="module")
def variables(gcp: GcpSecretManager, bigquery: BigQuery) -> Iterator[dict[str, str]]:
    """The page's only variable, the login of a workload, and the way to Google."""
    with served(bigquery, "bigquery.googleapis.com") as authority:
        routes = {
            "secretmanager.googleapis.com:443": int(gcp.endpoint.rpartition(":")[2]),
            "bigquery.googleapis.com:443": bigquery.server_address[1],
        }
        with Internet(routes, str(gcp.ca_cert), authority) as internet:
            login = gcp.environment("workload_identity")
            prefix = {"METAFLOW_GCP_SECRET_MANAGER_PREFIX": f"projects/{PROJECT}/secrets"}
            yield {**login, **internet.environment(), **prefix}


@pytest.fixture(scope="module")
def service_account(gcp: GcpSecretManager) -> str:
    """The file of a service account, as Google gives it out."""
    return Path(gcp.environment("service_account")["GOOGLE_APPLICATION_CREDENTIALS"]).read_text()


@pytest.fixture(scope="module")
def runs(
    gcp: GcpSecretManager,
    variables: dict[str, str],
    service_account: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Finished]:
    """The flow, twice, under the page's role alone; `gcloud secrets versions add` rotates in between."""
    directory = tmp_path_factory.mktemp("gcp")
    gcp.put("api-keys", json.dumps({"API_KEY": OLD}).encode())
    gcp.put("gcp-service-account", service_account.encode())
    with gcp.only_access():
        before = succeeded(run_page("gcp_flow.py", directory, **variables))
    gcp.put("api-keys", json.dumps({"API_KEY": NEW}).encode())
    with gcp.only_access():
        return [before, succeeded(run_page("gcp_flow.py", directory, **variables))]


def test_the_code_of_the_page(runs: list[Finished]):
    """The prefix alone, without a final slash, selects GCP; JSON has keys (S1.9, S1.38 to S1.41).

    Its role alone is enough (S1.71).
    """
    assert runs[0].told("start") == {"step": "start", "api_key": digest(OLD)}


def test_rotation(runs: list[Finished]):
    """What `versions add` added is the next run's (S1.42, S1.51, S1.52)."""
    assert [run.told("start")["api_key"] for run in runs] == [digest(OLD), digest(NEW)]


def test_only_access_is_asked(runs: list[Finished], gcp: GcpSecretManager):
    """Nothing but AccessSecretVersion is asked of Secret Manager (S1.71)."""
    asked = {call.partition(" ")[0] for call in gcp.calls if not call.startswith(("POST", "GET"))}
    assert asked == {"AccessSecretVersion"}


def test_service_account(runs: list[Finished], gcp: GcpSecretManager, service_account: str, bigquery: BigQuery):
    """The bundle is the whole key file: written by `json.dump`, taken by Google's library, removed (S1.5, S1.62–S1.65).

    The login that BigQuery is shown was given for the key's signature; its rows are saved as an artifact (S1.58).
    """
    assert runs[0].told("file")["content"] == digest(json.loads(service_account))
    told = runs[0].told("query_bigquery")
    assert told["gone"] is True
    assert told["results"] == [bigquery.row]
    assert "POST /token" in gcp.calls
    assert any(request.line.startswith("POST /bigquery/v2/projects/my-project/jobs") for request in bigquery.requests)


def test_without_a_file(runs: list[Finished], gcp: GcpSecretManager):
    """`as_file()` and `from_service_account_info` take the same secret, and leave no file (S1.65)."""
    told = runs[0].told("query_bigquery")
    assert told["emails"] == [f"tacenda-test@{PROJECT}.iam.gserviceaccount.com"]
    assert told["left"] is False


def test_nothing_is_left(runs: list[Finished], service_account: str):
    """No value, and no line of the private key, is in what the flow prints or in what Metaflow keeps of it."""
    line = json.loads(service_account)["private_key"].splitlines()[3]
    assert [run.leaks(OLD, NEW, line) for run in runs] == [[], []]
    assert all("key: [masked]\n" in run.output for run in runs)
    assert [path for run in runs for path in (run.directory / "tmp").rglob("*") if path.is_file()] == []


def test_denied_and_missing(gcp: GcpSecretManager, variables: dict[str, str], tmp_path: Path, runs: list[Finished]):
    """Who may not read hears so, with the command that shows the grants; it reads unlike "missing" (S1.74, S1.76)."""
    with gcp.denied("api-keys"):
        denied = run_page("gcp_flow.py", tmp_path, **variables)
    gcp.reset()
    missing = run_page("gcp_flow.py", tmp_path, **variables)
    assert denied.code == missing.code == 1
    assert "gcloud secrets describe api-keys" in denied.output
    assert "gcloud secrets list" in missing.output
    assert "Permission 'secretmanager.versions.access' denied" in denied.output
    assert "not found" in missing.output
