"""Real flows, run by `python flow.py run`: what fails and how, and what changes between runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.metaflow

CONFIG = "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}"
SECRETS = {"api-keys": {"API_KEY": "example-value", "USER_NAME": "example-user"}, "other": {"API_KEY": "example-other"}}
FILES = {"tacenda.yaml": CONFIG, ".secrets.json": json.dumps(SECRETS)}


def flow(decorator: str, body: str = "pass") -> str:
    return f"""
import os
from metaflow import FlowSpec, current, environment, secrets, step
class TestFlow(FlowSpec):
    {decorator}
    @step
    def start(self):
        {body}
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    TestFlow()
"""


def test_missing(run_flow):
    """A missing secret fails the step with each place that was asked and what to do next."""
    done = run_flow(flow('@secrets(sources=["api-keys", "nothing", "nowhere"])'), FILES)
    assert done.returncode == 1
    for name in ("nothing", "nowhere"):
        assert f"there is no secret '{name}' in stack 'dev'" in done.stdout
        assert f"tried: local://.secrets.json#{name}" in done.stdout
    assert "next: the keys are: api-keys, other" in done.stdout


def test_clash(run_flow):
    """Variables that clash, with @environment's too, are one error with all of them and no value (S1.78)."""
    decorators = '@environment(vars={"USER_NAME": "somebody"})\n    @secrets(sources=["api-keys", "other"])'
    done = run_flow(flow(decorators), FILES)
    assert done.returncode == 1
    assert "API_KEY: from 'api-keys#API_KEY' and from 'other#API_KEY'" in done.stdout
    assert "USER_NAME: from 'api-keys#USER_NAME', and set already" in done.stdout
    assert "example-" not in done.stdout


def test_without_environment(run_flow):
    """With env=False, sources that share a key can be read side by side, and no variable is set (S1.25)."""
    body = """
        both = current.secrets["api-keys"]["API_KEY"], current.secrets["other"]["API_KEY"]
        assert both == ("example-value", "example-other")
        assert "API_KEY" not in os.environ"""
    done = run_flow(flow('@secrets(sources=["api-keys", "other"], env=False)', body), FILES)
    assert done.returncode == 0, done.stdout


def test_fresh_in_each_run(run_flow, tmp_path: Path):
    """A secret that was rotated is new in the next run (S1.22, S1.51, S1.52)."""
    source = flow('@secrets(sources=["api-keys"])', 'print("current", os.environ["EXPECTED"] == os.environ["API_KEY"])')
    for value in ("example-old", "example-new"):
        files = {"tacenda.yaml": CONFIG, ".secrets.json": json.dumps({"api-keys": {"API_KEY": value}})}
        done = run_flow(source, files, directory=tmp_path, EXPECTED=value)
        assert "current True" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("variables", "whose"),
    [({"TACENDA_STACK": "dev"}, "tacenda"), ({"TACENDA_CONFIG": "tacenda.yaml"}, "tacenda"), ({}, "Metaflow")],
)
def test_default_backend_of_metaflow(run_flow, variables: dict[str, str], whose: str):
    """With a default backend of Metaflow's, a plain name is Metaflow's, unless a variable names tacenda's stack."""
    body = 'print("from", "tacenda" if current.secrets["api-keys"] else "Metaflow")'  # inline knows nothing of api-keys
    source = flow('@secrets(sources=["api-keys"])', body)
    done = run_flow(source, FILES, METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE="inline", **variables)
    assert f"from {whose}" in done.stdout, done.stdout


def test_forms_of_metaflow(run_flow):
    """Metaflow's own forms work as ever, beside tacenda's, and are in current.secrets too."""
    inline = '{"type": "inline", "id": "plain", "options": {"env_vars": {"INLINE": "example-inline"}}}'
    body = """
        assert os.environ["INLINE"] == current.secrets.plain["INLINE"] == "example-inline"
        assert os.environ["API_KEY"] == "example-value"
        assert list(current.secrets) == ["plain", "inline.x", "api-keys"]"""
    done = run_flow(flow(f'@secrets(sources=[{inline}, "inline.x", "api-keys"])', body), FILES)
    assert done.returncode == 0, done.stdout


MASKED = """
        import subprocess, tacenda
        print("plain:", tacenda.get("other", "API_KEY"))
        program = "import tacenda; print('child:', tacenda.get('api-keys', 'USER_NAME'))"
        subprocess.run(["python", "-c", program], check=True)"""


def test_masked_without_declaring(run_flow):
    """A step that asks tacenda itself is masked too, and so are programs that it starts and that ask for their own."""
    done = run_flow(flow("", MASKED), FILES)
    assert done.returncode == 0, done.stdout
    assert "plain: [masked]" in done.stdout
    assert "child: [masked]" in done.stdout
    assert "example-" not in done.stdout


def test_masked_what_was_read_before(run_flow):
    """What the flow's module has read while it was imported is masked in its steps."""
    source = "import tacenda\nKEY = tacenda.get('other', 'API_KEY')\n" + flow("", 'print("early:", KEY)')
    done = run_flow(source, FILES)
    assert done.returncode == 0, done.stdout
    assert "early: [masked]" in done.stdout
    assert "example-" not in done.stdout


def test_password_in_a_url_of_metaflows_own(run_flow):
    """A `url` is no secret, unless there is a password in it: also from Metaflow's own providers."""
    variables = '{"url": "postgres://u:example-pass@db.example/x", "host": "db.example"}'
    inline = f'{{"type": "inline", "id": "db", "options": {{"env_vars": {variables}}}}}'
    body = 'print("at", current.secrets.db["host"], "by", current.secrets.db["url"])'
    done = run_flow(flow(f"@secrets(sources=[{inline}])", body), FILES)
    assert "at db.example by [masked]" in done.stdout, done.stdout
