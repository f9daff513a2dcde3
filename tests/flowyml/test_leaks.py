"""Programs run as a user runs them: nothing that they print, send or leave behind carries a value."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NamedTuple

import pytest
from programs import places_of

from tacenda.testing import OpenBao

pytestmark = [pytest.mark.flowyml, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flowyml" / "pipeline.py"
VALUES = {
    "dev": {"API_KEY": "example-dev-API-key/+1", "PASSWORD": "example-dev pass&word"},
    "prod": {"API_KEY": "example-prod-API-key/+2", "PASSWORD": "example-prod pass&word"},
}
CONFIG = """
stacks:
  dev: {secrets: {provider: local, path: .secrets.json}}
  prod: {secrets: {provider: vault, vault_mount: secret, prefix: leaks/}}
"""
CARELESS = """
import logging, os, sys, threading, warnings
import flowyml, tacenda
from flowyml import Pipeline, step
from flowyml.core.hooks import on_step_start

def key():
    return "".join(tacenda.get("api-keys", "API_KEY"))

@on_step_start
def hook(step, inputs):
    raise RuntimeError(f"hook of {step.name}: {key()}")

@step(outputs=["printed"])
def printed():
    value = key()
    print("whole:", value)
    print("split:", end=" ")
    for piece in (value[:5], value[5:8], value[8:]):
        print(piece, end="")
    print(" |", repr({"nested": [value]}), file=sys.stderr)
    logging.getLogger("mine").warning("logged: %s", value)
    warnings.warn(f"warned: {value}")
    os.system(f"echo 'child: {value}'; echo 'child: {value}' >&2")
    threading.Thread(target=lambda: print("thread:", value)).start()
    return "x"

@step(inputs=["printed"], outputs=["trace"], retry=1)
def raised(printed):
    try:
        raise KeyError(f"cause: {key()}")
    except KeyError as error:
        raise RuntimeError(f"raised: {tacenda.get('db-credentials', 'PASSWORD')}") from error

@step(outputs=["cached"])
def returned():
    return {"deep": [f"Bearer {key()}"]}

ok = []
for name, steps in {"raising": [printed, raised], "returning": [returned]}.items():
    pipeline = Pipeline(name, stack=sys.argv[1], project_name="project")
    pipeline.add_steps(steps)
    result = pipeline.run(auto_start_ui=False)
    print(result.summary())
    print(result.to_dict())
    ok.append(result.success)
print("successes:", ok)
os.environ["TACENDA_STACK"] = sys.argv[1]
if sys.argv[1] == "prod":
    Pipeline("uncaught", stack="prod", context=flowyml.context(token=key())).run(auto_start_ui=False)
raise RuntimeError(f"uncaught: {key()}")
"""


class Dashboard:
    """A server that stands in for FlowyML's dashboard, and keeps what it is sent."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, body.decode()))
                self._answer()

            def _answer(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Dashboard:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def logs(self) -> str:
        """Return all that the steps have logged there."""
        return "".join(json.loads(body)["content"] for path, body in self.posts if path.endswith("/logs"))


class Run(NamedTuple):
    """A finished program, where it ran, and what the dashboard got."""

    done: CompletedProcess[str]
    directory: Path
    dashboard: Dashboard

    def leaks(self) -> list[str]:
        """Return the places that hold a value, as it is or encoded; the file of the stack apart."""
        values = [value for values in VALUES.values() for value in values.values()]
        assert len([path for path in (self.directory / ".flowyml").rglob("*") if path.is_file()]) > 5
        sent = "\n".join(body for _, body in self.dashboard.posts)
        return places_of(values, self.directory, output=self.done.stdout + sent)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, python, bao: OpenBao) -> Iterator[dict[tuple[str, str], Run]]:
    """Both programs on both stacks."""
    for name, keys in documents("prod").items():
        bao.client().secrets.kv.v2.create_or_update_secret(f"leaks/{name}", keys)
    finished = {}
    for program in (EXAMPLE.read_text(), CARELESS):
        for stack in VALUES:
            directory = tmp_path_factory.mktemp("leaks")
            (directory / "tacenda.yaml").write_text(CONFIG)
            (directory / ".secrets.json").write_text(json.dumps(documents("dev")))
            with Dashboard() as dashboard:
                port = str(dashboard.server.server_port)
                login = {"VAULT_ADDR": bao.url, "VAULT_TOKEN": bao.token}
                done = python(program, stack, directory=directory, FLOWYML_UI_PORT=port, **login)
            name = "careless" if program is CARELESS else "example"
            finished[name, stack] = Run(done, directory, dashboard)
    yield finished
    for run in finished.values():
        shutil.rmtree(run.directory)


def documents(stack: str) -> dict[str, dict[str, str]]:
    """Return the two secrets of the examples."""
    values = VALUES[stack]
    database = {"HOST": f"db.{stack}.example", "PASSWORD": values["PASSWORD"]}
    return {"api-keys": {"API_KEY": values["API_KEY"]}, "db-credentials": database}


@pytest.mark.parametrize("stack", VALUES)
def test_example(runs, stack):
    """The example reads both secrets on both stacks and lets nothing out (S0.2, S0.3, S0.5)."""
    run = runs["example", stack]
    output = run.done.stdout
    assert run.done.returncode == 0, output
    assert output.count("API key: [masked]\n") == 1
    assert output.count(f"database: db.{stack}.example, password: [masked]\n") == 1
    for line in ("a header:", "from a child process:", "from a log:", "ConnectionError:"):
        assert re.search(rf"{line}.*\[masked\]", output), output
    assert "in the dashboard: [masked]" in run.dashboard.logs()
    assert run.leaks() == []


@pytest.mark.parametrize("stack", VALUES)
def test_careless(runs, stack):
    """Whatever steps, hooks and the program print, log, raise or return, no value is anywhere."""
    run = runs["careless", stack]
    output, logs = run.done.stdout, run.dashboard.logs()
    assert "successes: [False, False]" in output, output
    for line in ("whole:", "split:", "thread:"):
        assert re.search(rf"{line} ?\[masked\]", logs), logs
    assert output.count("child: [masked]") == 2
    assert "Step start hook failed: hook of printed: [masked]" in output
    assert "raised: [masked]" in output
    assert "output 'cached' of step 'returned' holds the value of" in output
    end = "the context or the inputs of pipeline 'uncaught'" if stack == "prod" else "RuntimeError: uncaught: [masked]"
    assert end in output
    assert run.leaks() == []


def test_the_search_finds(runs):
    """The search of these tests finds a value that FlowyML keeps in the ways it does."""
    run = runs["example", "dev"]
    planted = run.directory / ".flowyml" / "planted.pkl"
    planted.write_bytes(__import__("pickle").dumps({"x": [VALUES["dev"]["API_KEY"]]}))
    assert run.leaks() == [str(planted)]
    planted.unlink()


def test_what_is_sent(flowyml, empty_registry):
    """Text that FlowyML sends to its server, its dashboard or Slack is masked on the way."""
    executor = importlib.import_module("flowyml.core.executor")
    empty_registry.add("example-sent-value", "sent")
    with Dashboard() as dashboard:
        url = f"http://127.0.0.1:{dashboard.server.server_port}"
        remote = importlib.import_module("flowyml.storage.remote").RemoteMetadataStore(url)
        remote.save_run("1", {"pipeline_name": "p", "context": {"token": "example-sent-value"}})
        remote.save_trace_event({"inputs": {"args": ["example-sent-value"]}})
        slack = flowyml.SlackNotifier(webhook_url=url)
        slack.send_pipeline_failure("p", "1", error="example-sent-value")
        monitor = executor.MonitorThread("1", "step", target_tid=0)
        monitor.api_url = url
        monitor._send_error("with example-sent-value")
    bodies = [body for _, body in dashboard.posts]
    assert len(bodies) == 4
    assert all("[masked]" in body and "example-sent" not in body for body in bodies)
