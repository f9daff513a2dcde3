"""`tacenda check --flow` without Metaflow: what is no flow, and what the source alone gives away (S1.6, S1.48)."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import VALUE, Cli, python

from tacenda.cli._flow_scan import findings, uses
from tacenda.cli._flow_source import sources

CREDENTIAL = f"postgres://example:{VALUE}@db.example/x"


def scanned(directory: Path, source: str, modules: dict[str, str] | None = None) -> list[str]:
    """Return what is found in a flow's source and in modules beside it, with file name and line."""
    for name, text in {**(modules or {}), "flow.py": source}.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    found = [str(finding).removeprefix(f"{directory}/") for finding in findings(sources(directory / "flow.py"))]
    assert not [finding for finding in found if VALUE in finding]
    return found


# -- what is no flow ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "import flyte\nenvironment = flyte.TaskEnvironment('x')",
        "from zenml import pipeline, step\n@step\ndef load(): pass",
        "import os\nopen('ran', 'w')",
        "",
    ],
)
def test_other_programs(cli: Cli, source: str):
    """A file that is no Metaflow flow is wrong usage, with what to do instead, and it is not run."""
    cli.write("pipeline.py", source)
    done = cli("check", "--flow", "pipeline.py")
    assert (done.code, done.out) == (2, "")
    assert "pipeline.py is no Metaflow flow: it does not import metaflow; --flow reads flows of Metaflow" in done.err
    assert "`tacenda check NAME...`" in done.err
    assert not (cli.directory / "ran").exists()


def test_no_file(cli: Cli):
    """A file that is not there, or is a directory, is wrong usage."""
    assert "cannot read nowhere.py: No such file" in cli("check", "--flow", "nowhere.py").err
    done = cli("check", "--flow", ".")
    assert done.code == 2
    assert "cannot read .: Is a directory" in done.err


@pytest.mark.parametrize(
    "content", [b"import metaflow\nclass F(:\n", b"import metaflow\n\0", b"\xff\xfe\n", b"#coding:x\n"]
)
def test_no_python(cli: Cli, content: bytes):
    """A file that is no Python cannot be loaded, which is an error and no traceback."""
    cli.write("flow.py", "").write_bytes(content)
    done = cli("check", "--flow", "flow.py")
    assert done.code == 1
    assert "tacenda: flow.py cannot be loaded: " in done.err


def test_without_metaflow(cli: Cli):
    """Where Metaflow is not installed a flow cannot be loaded, and it says what to install."""
    without = "import importlib.util as u; u.find_spec = lambda *_: None; from tacenda.cli import main; exit(main())"
    cli.write("flow.py", "import metaflow")
    done = cli("check", "--flow", "flow.py", command=python(without))
    assert done.code == 1
    assert "flow.py is a Metaflow flow, and Metaflow is not installed here\n  next: install it" in done.err


def test_options(cli: Cli):
    """Names beside --flow, and --namespace without it, are wrong usage: neither would mean anything."""
    done = cli("check", "token", "--flow", "flow.py")
    assert done.code == 2
    assert "with --flow, the flow names the secrets; after `--` come options of Metaflow's own" in done.err
    done = cli("check", "--namespace", "prod")
    assert done.code == 2
    assert "--namespace goes with --flow" in done.err


# -- fetched by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "called", "is_called"),
    [
        ("import boto3", "boto3.client('secretsmanager')", "boto3's client('secretsmanager')"),
        ("import boto3 as b", "b.Session().client(service_name='secretsmanager')", "boto3's client('secretsmanager')"),
        (
            "import botocore.session as s",
            "s.get_session().create_client('secretsmanager')",
            "boto3's create_client('secretsmanager')",
        ),
        ("from azure.keyvault.secrets import SecretClient as C", "C('https://x', None)", "SecretClient"),
        ("import azure.keyvault.secrets.aio as a", "a.SecretClient('https://x', None)", "SecretClient"),
        ("from google.cloud import secretmanager as s", "s.SecretManagerServiceClient()", "SecretManagerServiceClient"),
        (
            "from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient",
            "SecretManagerServiceAsyncClient()",
            "SecretManagerServiceAsyncClient",
        ),
        ("import hvac", "hvac.Client('https://x')", "hvac.Client"),
        ("from hvac import Client", "Client()", "hvac.Client"),
    ],
)
def test_by_hand(tmp_path: Path, client: str, called: str, is_called: str):
    """Each SDK's client for secrets is pointed out with file and line, and with what to write instead (S1.48)."""
    [found] = scanned(
        tmp_path, f"\r\nclass F:\r\n    def start(self):\r\n        {client}\r\n        {called}.read()\r\n"
    )
    assert found.startswith(f"flow.py:5: secrets are fetched by hand with {is_called}, past stack, masking and audit: ")
    assert found.endswith("write @secrets(sources=['NAME']) above the step, and current.secrets['NAME'] in it")


def test_other_clients(tmp_path: Path):
    """Other clients of the same SDKs, and what is only called like one, are nobody's business."""
    source = """
import boto3, hvac
from google.cloud import storage
from kubernetes.client import ApiClient as Client
from own import SecretClient
boto3.client("s3"), boto3.resource(service_name="s3"), boto3.client(), Client(), SecretClient(), storage.Client()
hvac.exceptions.Forbidden("secretsmanager")
client("secretsmanager")
"""
    assert scanned(tmp_path, source) == []


def test_modules_beside_it(tmp_path: Path):
    """Modules and packages beside the flow that it imports are read, also through others; what it leaves out is not."""
    by_hand = "import hvac\nCLIENT = hvac.Client()\n"
    modules = {
        "package/__init__.py": "",
        "package/inner.py": "def f():\n    from . import near\n    import helper",
        "package/near.py": f"from ... import far\nfrom ........... import away\n{by_hand}",
        "helper.py": by_hand,
        "other.py": by_hand,
        "unused.py": by_hand,
        "broken.py": f"{by_hand}(",
        "circle.py": "import flow, circle",
    }
    found = scanned(tmp_path, "import package.inner, yaml, broken, circle\nfrom other import *", modules)
    assert {finding.partition(" ")[0] for finding in found} == {"other.py:2:", "package/near.py:4:", "helper.py:2:"}


def test_link(tmp_path: Path):
    """A flow that is a link has its modules beside the file that it leads to, where Python looks for them."""
    scanned(tmp_path, "", {"there/flow.py": "import helper", "there/helper.py": "import hvac\nhvac.Client()"})
    (tmp_path / "link.py").symlink_to("there/flow.py")
    [found] = findings(sources(tmp_path / "link.py"))
    assert (found.file, found.line) == ((tmp_path / "there/helper.py").resolve(), 2)


# -- written into the code ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [f"'{CREDENTIAL}'", f"f'{CREDENTIAL}'", f"b'see {CREDENTIAL}'", f"{{'a': ['{CREDENTIAL}']}}"]
)
def test_hard_coded(tmp_path: Path, text: str):
    """A credential in the source is pointed out with its line and never repeated (S1.6)."""
    [found] = scanned(tmp_path, f"\n\nURL = {text}\n")
    assert found.startswith("flow.py:3: what stands here looks like a credential (it is not repeated): revoke it")


def test_inline(tmp_path: Path):
    """A source of Metaflow's type `inline` has its values in the code, which is pointed out (S1.6)."""
    inline = f'{{"type": "inline", "id": "x", "options": {{"env_vars": {{"KEY": "{VALUE}"}}}}}}'
    [found] = scanned(tmp_path, f"SOURCE = {inline}\nOTHER = {{'type': 'aws-secrets-manager', 'id': 'x', **{{}}}}")
    assert found.startswith("flow.py:1: a source of type 'inline' has its values in the code: store them with")


def test_harmless(tmp_path: Path):
    """Names, prose and addresses are no credentials."""
    texts = ["api-keys", "vault://secret/ml#KEY", "https://db.example/x", "github", "the key is in sk- or so", ""]
    assert scanned(tmp_path, f"TEXTS = {texts!r}") == []


# -- current.secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imported", "read"),
    [
        ("from metaflow import current", "current.secrets.api_keys"),
        ("from metaflow import current as c", "c.secrets['x']"),
        ("import metaflow as m", "m.current.secrets"),
        ("from metaflow.metaflow_current import current", "[x for x in current.secrets]"),
    ],
)
def test_uses(tmp_path: Path, imported: str, read: str):
    """Reading current.secrets is recognized however `current` was imported, with the function's lines."""
    (tmp_path / "flow.py").write_text(
        f"{imported}\n@decorated(\n)\ndef f():\n    x = {read}\n    y = 1\ndef g(current): pass"
    )
    [source] = sources(tmp_path / "flow.py")
    assert [*uses(source)] == [(2, 5)]


def test_no_uses(tmp_path: Path):
    """Something else that is called `secrets` or `current` is not it, nor is one that is looked for first."""
    (tmp_path / "flow.py").write_text(
        "from own import current\ndef f(self): return current.secrets, self.current.secrets\n"
        "from metaflow import current as c\ndef g(self): return c.secrets if 'secrets' in c else None"
    )
    [source] = sources(tmp_path / "flow.py")
    assert [*uses(source)] == []
