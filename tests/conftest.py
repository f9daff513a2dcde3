"""What every test shares: the tests that can run here, no settings of the developer's own, no server left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tacenda.masking import Masker, registry

# -- what runs here ----------------------------------------------------------------------------------

HERE = Path(__file__).parent
FLOWYML_HERE = find_spec("flowyml") is not None
"""Whether this is FlowyML's environment: it has one of its own, without the others, where only its tests are run."""

LEFT_OUT = {"flowyml": "its tests run in an environment of their own"}
if sys.version_info >= (3, 13):
    LEFT_OUT["flytekit"] = "there is none for Python 3.13 and later"
"""Markers of tests that cannot run here, and why. An orchestrator that is merely missing is a failure."""

ENDPOINTS = {
    HERE / "endpoints" / "test_vault.py": "TACENDA_TEST_VAULT_URL",
    HERE / "endpoints" / "test_aws.py": "TACENDA_TEST_AWS_REGION",
    HERE / "endpoints" / "test_azure.py": "TACENDA_TEST_AZURE_URL",
    HERE / "endpoints" / "test_gcp.py": "TACENDA_TEST_GCP_PROJECT",
}
"""The tests that need somebody's own service, and the variable that names it; `--docker` starts one for each."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--docker", action="store_true", help="run tests/endpoints against docker/compose.yaml's servers")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is left out: nothing silently."""
    if FLOWYML_HERE:
        return ["tacenda: only what is marked flowyml"]
    lines = [f"tacenda: without {name}: {why}" for name, why in LEFT_OUT.items()]
    if config.getoption("--docker"):
        return [*lines, "tacenda: tests/endpoints on the servers of docker/compose.yaml"]
    unset = [variable for variable in ENDPOINTS.values() if not DEVELOPERS.get(variable)]
    return [*lines, f"tacenda: without endpoints of your own: {', '.join(unset)} (or --docker)"] if unset else lines


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave alone what cannot be imported or has no service here, and in FlowyML's environment the rest."""
    if FLOWYML_HERE:
        files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
        return None if any("mark.flowyml" in file.read_text() for file in files) else True
    if collection_path in ENDPOINTS and not config.getoption("--docker"):
        return None if DEVELOPERS.get(ENDPOINTS[collection_path]) else True
    return True if any(collection_path.is_relative_to(HERE / name) for name in LEFT_OUT) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what cannot run here, wherever it is."""
    runs, left = [], []
    for item in items:
        here = item.get_closest_marker("flowyml") if FLOWYML_HERE else not any(map(item.get_closest_marker, LEFT_OUT))
        (runs if here else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = runs


# -- the environment ---------------------------------------------------------------------------------

# Flyte's variables may begin with an underscore: _FSEC_ and _UNION_ hold secrets, _F_ what a task is told.
OWN_SETTINGS = ("BAO_", "FLOWYML_", "FLYTE", "METAFLOW_", "TACENDA_", "VAULT_", "ZENML_", "_F", "_UNION_")
# No test logs in to a cloud as the developer, but those that are given an endpoint of the developer's.
CLOUDS = (
    "AWS_", "BOTO", "AZURE_", "ARM_", "IDENTITY_", "IMDS_", "MSI_",
    "CLOUDSDK_", "GCE_METADATA", "GCLOUD_", "GCP_", "GITHUB_", "GH_", "GOOGLE_", "GRPC_", "NO_GCE_CHECK",
)  # fmt: skip
DEVELOPERS: dict[str, str] = {}
"""The environment that the tests were started in."""


def pytest_configure(config: pytest.Config) -> None:
    # A job in the background of a script ignores Ctrl-C, and would hand that down to the programs that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    DEVELOPERS.update(getattr(config, "workerinput", {}).get("developers_environment", os.environ))
    for name in [name for name in os.environ if name.startswith((*OWN_SETTINGS, *CLOUDS))]:
        del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):  # a company's proxy is for the package index, not for servers on loopback
        os.environ[name] = ",".join(filter(None, ["127.0.0.1", os.environ.get(name)]))
    if "PYTHONPATH" in os.environ:  # the programs that tests start run in other directories
        os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, os.environ["PYTHONPATH"].split(os.pathsep)))
    SERVERS_BEFORE.update(servers_of_ours())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist, which starts without them, the variables that were there."""
    node.workerinput["developers_environment"] = dict(DEVELOPERS)


@pytest.fixture(scope="session")
def developers_environment() -> dict[str, str]:
    """The environment that the tests were started in: `TACENDA_TEST_…` names real endpoints, the rest logs in there."""
    return dict(DEVELOPERS)


# -- fixtures of several directories -----------------------------------------------------------------


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> Masker:
    """The process-wide masker as in a new process: what other tests have read is masked in theirs."""
    for name, value in vars(Masker()).items():
        monkeypatch.setattr(registry(), name, value)
    return registry()


@pytest.fixture(scope="session")
def run_flow(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a Metaflow flow as a user does, in a home of its own.

    It takes the flow's source, the files beside it by name, the directory (a new one if None), the interpreter, what
    comes after `python flow.py`, and environment variables; it returns the finished process, all output in `stdout`.
    """

    def run(
        flow: str,
        files: dict[str, str],
        *,
        directory: Path | None = None,
        python: str | Path = sys.executable,
        arguments: Sequence[str] = ("run",),
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        directory = directory or tmp_path_factory.mktemp("flow")
        home = directory / "home"
        home.mkdir(exist_ok=True)
        for name, text in {**files, "flow.py": flow}.items():
            (directory / name).write_text(text)
        # Metaflow starts the workers of a @parallel step with the `python` on PATH.
        environment = {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
        if python == sys.executable and "PYTHONPATH" in os.environ:  # a clean environment has its own tacenda
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        metaflow = {"METAFLOW_USER": "tester", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(directory)}
        return subprocess.run(
            [str(python), "flow.py", *arguments],
            cwd=directory,
            env={**environment, **metaflow, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run


# -- servers that are left behind --------------------------------------------------------------------

SERVERS_BEFORE: set[int] = set()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that leaves a server running; trylast: pytest-xdist has ended its workers by then."""
    if hasattr(session.config, "workerinput"):
        return
    deadline = time.monotonic() + 5
    while (left := servers_of_ours()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if left:
        print(f"\nERROR: the tests left servers running: {left}")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def servers_of_ours() -> list[int]:
    """Return the pids of new test servers that this process started, or whose starter is gone."""
    alive = processes()
    nobody = (False, 1)
    return [
        pid
        for pid, (server, watchdog) in alive.items()
        if server and pid not in SERVERS_BEFORE and {watchdog, alive.get(watchdog, nobody)[1]} & {1, os.getpid()}
    ]


def processes() -> dict[int, tuple[bool, int]]:
    """Return of each process whether it is one of our test servers, and its parent's pid; nothing without /proc."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            fields = (directory / "stat").read_text().rpartition(") ")[2]
            command = (directory / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        server = b"/bin/bao\0" in command or b"tacenda.testing." in command
        found[int(directory.name)] = server, int(fields.split()[1])
    return found
