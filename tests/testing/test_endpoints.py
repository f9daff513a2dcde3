"""Tests of tests/endpoints: the kit finds a developer's own services by variables, and leaves nothing behind there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tacenda.testing import azure_key_vault, gcp_secret_manager, moto, openbao

ROOT = Path(__file__).parents[2]
SOME = "test_text_comes_back_exactly and plain or test_delete or test_list_holds_no_values or test_names_with_slashes"

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs pytest as a developer does who has exported some variables."""

    def run_pytest(variables: dict[str, str], *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "HOME": str(tmp_path), **variables}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run_pytest


def passed(output: str) -> int:
    found = re.search(r"(\d+) passed", output)
    return int(found[1]) if found and "failed" not in output and "error" not in output else 0


def test_without_variables_nothing_is_collected_and_the_header_says_so(run: Run) -> None:
    """Who has no endpoint of their own is told which variables would name one."""
    output = run({}, "tests/endpoints", code=pytest.ExitCode.NO_TESTS_COLLECTED)
    assert "collected 0 items" in output
    header = next(line for line in output.splitlines() if "without endpoints of your own" in line)
    for variable in ("VAULT_URL", "AWS_REGION", "AZURE_URL", "GCP_PROJECT"):
        assert f"TACENDA_TEST_{variable}" in header
    assert "--docker" in header


def test_a_variable_and_docker_choose_what_is_collected(run: Run) -> None:
    """A variable brings the tests of its backend, `--docker` those of all; the header goes along."""
    variables = {"TACENDA_TEST_AWS_REGION": "us-east-1", "TACENDA_TEST_AZURE_URL": ""}
    only = run(variables, "tests/endpoints", "--collect-only")
    assert {line.split("::")[0] for line in re.findall(r"<Module (\S+)>", only)} == {"test_aws.py"}
    assert "TACENDA_TEST_AWS_REGION" not in only
    assert "TACENDA_TEST_AZURE_URL" in only
    everything = run({}, "tests/endpoints", "--collect-only", "--docker")
    assert len(re.findall(r"<Module (\S+)>", everything)) == 4
    assert "without endpoints" not in everything


def test_docker_without_docker_fails_and_says_so(run: Run, tmp_path: Path) -> None:
    """Who asks for `--docker` and has none gets one failure with the reason, and no test is skipped in silence."""
    output = run({"PATH": str(tmp_path)}, "tests/endpoints", "--docker", code=pytest.ExitCode.TESTS_FAILED)
    assert "--docker: this needs Docker with Compose: docker: No such file" in output
    assert "1 error in" in output
    assert "skipped" not in output


def test_servers_that_do_not_start_are_removed(run: Run, tmp_path: Path) -> None:
    """When one server does not start, the failure says why, and the others are taken down again."""
    docker, log = tmp_path / "docker", tmp_path / "log"
    docker.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase "$*" in *" up "*) echo "no such image"; exit 1;; esac\n')
    docker.chmod(0o755)
    variables = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    output = run(variables, "tests/endpoints", "--docker", code=pytest.ExitCode.TESTS_FAILED)
    assert "no such image" in output
    assert "1 error in" in output
    assert log.read_text().splitlines()[-1].endswith(" down -v")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_vault_of_ones_own(run: Run, workers: tuple[str, ...]) -> None:
    """With TACENDA_TEST_VAULT_URL the kit logs in as the developer, and every document is gone afterwards."""
    with openbao() as server:
        variables = {"TACENDA_TEST_VAULT_URL": server.url, "VAULT_TOKEN": server.token}
        assert passed(run(variables, "tests/endpoints", "-k", SOME, *workers)) == 5
        assert server.client().adapter.get("/v1/secret/metadata?list=true", raise_exception=False).status_code == 404


@pytest.mark.slow
def test_an_aws_account_of_ones_own(run: Run) -> None:
    """With TACENDA_TEST_AWS_REGION (and …_URL) the kit runs there; nothing is even left to be restored."""
    with moto() as server:
        variables = {"TACENDA_TEST_AWS_REGION": server.region, "TACENDA_TEST_AWS_URL": server.url}
        assert passed(run({**variables, **server.environment()}, "tests/endpoints", "-k", SOME)) == 5
        assert server.client().list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


@pytest.mark.slow
def test_a_key_vault_of_ones_own(run: Run) -> None:
    """With TACENDA_TEST_AZURE_URL the kit runs there, and purges what it has deleted."""
    with azure_key_vault() as server:
        variables = {"TACENDA_TEST_AZURE_URL": server.url, **server.environment("managed_identity")}
        assert passed(run(variables, "tests/endpoints", "-k", SOME)) == 5
        client = server.client()
        assert [*client.list_properties_of_secrets(), *client.list_deleted_secrets()] == []


@pytest.mark.slow
@pytest.mark.parametrize("login", ["none", "service_account"])
def test_a_google_cloud_project_of_ones_own(run: Run, login: str) -> None:
    """With TACENDA_TEST_GCP_PROJECT (and …_URL) the kit runs there, with the developer's login or on an emulator."""
    with gcp_secret_manager(tls=login != "none") as server:
        address = server.url if login == "none" else server.endpoint
        variables = {"TACENDA_TEST_GCP_PROJECT": server.project, "TACENDA_TEST_GCP_URL": address}
        variables |= {} if login == "none" else server.environment(login)
        assert passed(run(variables, "tests/endpoints", "-k", SOME)) == 5
        assert list(server.client().list_secrets(parent=f"projects/{server.project}")) == []


def test_the_compose_file_publishes_on_loopback_only() -> None:
    """No server of docker/compose.yaml can be reached from outside; each image has a version, and can be replaced."""
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    assert set(services) == {"vault", "aws", "azure", "gcp"}
    for name, service in services.items():
        assert re.fullmatch(rf"\$\{{TACENDA_DOCKER_{name.upper()}:-\S+:\d+\.\d+\.\d+\}}", service["image"])
        assert service["environment"]["TACENDA_SERVER"] == name
        assert all(port.startswith("127.0.0.1:${TACENDA_DOCKER_") for port in service["ports"])


def test_an_image_of_ones_own_knows_every_server() -> None:
    """docker/serve starts what the compose file asks for, and refuses anything else."""
    script = ROOT / "docker" / "serve"
    done = subprocess.run(["sh", script], env={"TACENDA_SERVER": "other"}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "vault, aws, azure or gcp" in done.stderr
    assert all(f"\n{name})" in script.read_text() for name in ("vault", "aws", "azure", "gcp"))
