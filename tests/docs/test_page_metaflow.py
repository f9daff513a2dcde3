"""The page on the Metaflow adapter is true: its flow, its commands, its sources, its variables and its numbers.

And every claim of Metaflow's own page on secrets is shown by some test, which names it.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from pathlib import Path

import pytest
from metaflow import metaflow_config
from reader import Reader, commands

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "adapters" / "metaflow" / "README.md"
TEXT = PAGE.read_text()
[INSTALL, CHECK, RUN], [FLOW, AS_FILE, ALLOW_LEAK, MANUAL] = (
    re.findall(rf"(?m)^```{language}\n((?s:.*?))^```$", TEXT) for language in ("console", "python")
)
PLUGINS = ROOT / "adapters" / "metaflow" / "metaflow_extensions" / "tacenda" / "plugins"
CLAIMS = range(1, 79)
"""S1.1 to S1.78: what Metaflow's page on secrets promises."""

STORED = {
    "api-keys": {"API_KEY": "example-key-of-the-page"},
    "db-credentials": {"PASSWORD": "example-password-of-the-page"},
    "token-service": {"TOKEN": "example-token-of-the-page"},
    "gcp-service-account": {"client_email": "example@example.com", "private_key": "example-private-key"},
}
BLOCKS_IN_STEPS = """
import tacenda
from metaflow import FlowSpec, current, secrets, step

class service_account:
    class Credentials:
        @staticmethod
        def from_service_account_file(path):
            return open(path).read()

class BlocksFlow(FlowSpec):
    @secrets(sources=["gcp-service-account"])
    @step
    def start(self):
{as_file}
        print("read:", credentials == {key!r})
        print("gone:", not __import__("os").path.exists(path))
        self.next(self.renew)

{allow_leak}
    @step
    def end(self):
        print("kept:", len(self.token))

BlocksFlow()
"""


def seen_by(project: Reader, console: str) -> str:
    """Return what a reader sees of commands, without colours."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", project.runs(console))


def pages_commands(console: str) -> str:
    """Return a console block without the remarks behind its commands."""
    return "".join(f"$ {command}\n" for command, _ in commands(re.sub(r"(?m) +# .*$", "", console)))


@pytest.fixture
def project(reader: Reader) -> Reader:
    """A reader whose stack is a file."""
    reader.writes("tacenda.yaml", "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}")
    reader.writes(".secrets.json", json.dumps(STORED)).chmod(0o600)
    reader.environment |= {"METAFLOW_USER": "ada", "TACENDA_ADAPTERS": "metaflow"}
    return reader


@pytest.mark.metaflow
def test_the_flow(project: Reader):
    """The page's flow runs as it is, after its commands, and shows what the page says that it shows."""
    project.writes("train.py", FLOW)
    seen = seen_by(project, pages_commands(INSTALL) + pages_commands(CHECK) + "$ python train.py run\n")
    assert "flow: TrainFlow (train.py)\n" in seen
    assert "with [masked] and [masked]\n" in seen
    assert "has secrets: False\n" in seen
    assert "of-the-page" not in seen


@pytest.mark.metaflow
def test_the_snippets(project: Reader):
    """The page's file is the secret and is gone after its block; its artifact with a token is saved, as it says."""
    key = json.dumps(STORED["gcp-service-account"])
    as_file, allow_leak = textwrap.indent(AS_FILE, " " * 8), textwrap.indent(ALLOW_LEAK, " " * 4)
    project.writes("blocks.py", BLOCKS_IN_STEPS.format(as_file=as_file, allow_leak=allow_leak, key=key))
    seen = seen_by(project, "$ python blocks.py run\n")
    assert "read: True\n" in seen
    assert "gone: True\n" in seen
    assert f"kept: {len(STORED['token-service']['TOKEN'])}\n" in seen


@pytest.mark.metaflow
def test_run(project: Reader):
    """The page's `tacenda run` gives a flow that reads its environment what it wants."""
    code = FLOW.replace("current.secrets.api_keys", "os.environ").replace(', "db-credentials"', "")
    code = re.sub(r"(?m)^ +(@secrets|password =).*\n", "", code).replace(" and {password}", "")
    project.writes("local.py", f"import os\n{code}")
    seen = seen_by(project, pages_commands(RUN))
    assert "with [masked]\n" in seen
    assert "of-the-page" not in seen


@pytest.mark.metaflow
def test_manual_fetching(project: Reader):
    """What the page warns of is what `tacenda check --flow` warns of, with file and line (S1.47, S1.48)."""
    code = FLOW.replace("from metaflow", "import boto3\nfrom metaflow", 1)
    project.writes(
        "train.py", code.replace("        password =", f"{textwrap.indent(MANUAL, ' ' * 8)}        password =")
    )
    line = next(
        n
        for n, text in enumerate((project.directory / "train.py").read_text().splitlines(), 1)
        if "boto3.client" in text
    )
    seen = seen_by(project, pages_commands(CHECK))
    assert f"train.py:{line}" in seen


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table with this heading: each its columns."""
    rows = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.split(r" \| ", row.strip("| ")) for row in rows]


@pytest.mark.metaflow
def test_the_sources():
    """Each form of a source in the table is taken, and read by whom the table says."""
    from metaflow_extensions.tacenda.plugins.sources._spec import parse

    code = [span for row in table("written as") for span in re.findall(r"`([^`]+)`", row[0])]
    known = [ast.literal_eval(span) for span in code if not span.startswith("f")]
    specs = parse([source for source in known if "{namespace}" not in source])
    readers = [
        spec.metaflows.secrets_backend_type if spec.metaflows else spec.stack.entries[0].provider for spec in specs
    ]
    assert len(code) == len(known) + 1 == len(specs) + 2
    assert readers[:3] == ["env", "aws-secrets-manager", "gcp-secret-manager"]


@pytest.mark.metaflow
def test_the_variables():
    """Each variable in the table is one of Metaflow's settings, or stands for one."""
    from metaflow_extensions.tacenda.config._documented import _DOCUMENTED

    named = [name for row in table("variable") for cell in row for name in re.findall(r"\bMETAFLOW_(\w+)", cell)]
    assert set(_DOCUMENTED) < set(named)
    assert [name for name in named if not hasattr(metaflow_config, _DOCUMENTED.get(name, name))] == []


@pytest.mark.metaflow
def test_the_numbers():
    """Versions and waiting times are those of the code."""
    from metaflow_extensions.tacenda.plugins import _patches
    from metaflow_extensions.tacenda.plugins.step import _fan_out

    assert f"It fits Metaflow {_patches._FITS};" in TEXT
    assert f"A foreach of {_fan_out._NARROW} and more waits a random time of\nat most {_fan_out._LONGEST:.0f} s" in TEXT


def test_links():
    """What the page links to is there."""
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert targets
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []


def shown_by() -> dict[int, list[str]]:
    """Return for each claim of Metaflow's page the tests that name it: `S1.7`, `S1.7, S1.9` or `S1.7 to S1.9`."""
    found: dict[int, list[str]] = {claim: [] for claim in CLAIMS}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for claim in claims_in(ast.get_docstring(node) or ""):
                    found[claim].append(f"{file.relative_to(ROOT)}::{node.name}")
    return found


def claims_in(text: str) -> set[int]:
    """Return the claims that a docstring names."""
    found = {int(number) for number in re.findall(r"S1\.(\d+)", text)}
    for first, last in re.findall(r"S1\.(\d+)(?: to |–)S1\.(\d+)", text):
        found |= set(range(int(first), int(last) + 1))
    return found


def test_every_claim_is_shown():
    """Whatever Metaflow's page on secrets promises is shown by a test that names the claim."""
    assert [f"S1.{claim}" for claim, tests in shown_by().items() if not tests] == []
