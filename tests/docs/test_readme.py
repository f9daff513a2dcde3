"""The README is true: its blocks are copied out and run, on the real backends."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest import mock

import pyrage
import pytest
from reader import BLOCKS, README, ROOT, TYPED, Reader, block, blocks, commands, put, swap

import tacenda
from tacenda import errors
from tacenda._registry import PROVIDERS
from tacenda._stack import _SETTINGS
from tacenda.cli._exit import exit_code
from tacenda.cli._main import cli
from tacenda.testing import override
from tacenda.testing._process import free_port

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENV, LOCAL, FILES = "Environment variables", "A local file", "Mounted files (Kubernetes)"
VAULT, CLI = "HashiCorp Vault and OpenBao", "The command line"
AWS, AZURE, GCP = "AWS Secrets Manager", "Azure Key Vault", "GCP Secret Manager"
GITHUB, TESTS = "GitHub Actions secrets", "In your tests"
BACKENDS = (ENV, LOCAL, FILES, VAULT, AWS, AZURE, GCP, GITHUB)

# Every block, and so none that no test here, or in test_readme_orchestrators.py, has read.
INVENTORY = {
    ("tacenda", "python"): 1,
    ("Try it", "console"): 1,
    ("Install", "console"): 1,
    ("Stacks", "yaml"): 1,
    (ENV, "yaml"): 1,
    (ENV, "console"): 1,
    (LOCAL, "yaml"): 2,
    (LOCAL, "console"): 1,
    (FILES, "yaml"): 1,
    (VAULT, "yaml"): 1,
    (VAULT, "console"): 1,
    (AWS, "yaml"): 1,
    (AWS, "console"): 1,
    (AZURE, "yaml"): 1,
    (AZURE, "console"): 1,
    (GCP, "yaml"): 1,
    (GCP, "console"): 1,
    (GITHUB, "yaml"): 1,
    (GITHUB, "console"): 1,
    ("Metaflow", "python"): 1,
    ("Metaflow", "console"): 1,
    ("flytekit", "python"): 1,
    ("flytekit", "console"): 1,
    ("flyte 2", "python"): 1,
    ("flyte 2", "console"): 1,
    ("ZenML", "python"): 1,
    ("ZenML", "console"): 1,
    ("FlowyML", "python"): 1,
    ("FlowyML", "console"): 1,
    ("What the adapters refuse", "python"): 1,
    ("Masking", "python"): 1,
    (CLI, "console"): 1,
    (TESTS, "python"): 2,
    (TESTS, "console"): 2,
}
LOCAL_FILES = re.findall(r"[\w.]+\.\w+|\.env", block(LOCAL, "yaml").partition("# or ")[2])


@pytest.fixture
def project(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The reader's directory, for Python as for the shell."""
    monkeypatch.chdir(reader.directory)
    monkeypatch.setenv("HOME", str(reader.home))
    return reader


def test_every_block_is_tested():
    """A block that is added to the README needs a test (S0.75)."""
    assert Counter((block.section, block.language) for block in BLOCKS) == INVENTORY


def test_environment(reader):
    """The quick start on environment variables prints what it shows."""
    reader.writes("tacenda.yaml", block(ENV, "yaml"))
    reader.runs(block(ENV, "console"))


@pytest.mark.parametrize("path", [".secrets.json", *LOCAL_FILES])
def test_local_file(reader, path):
    """The quick start on a local file works with each of the formats that it names, and makes a file of mode 0600."""
    reader.writes("tacenda.yaml", swap(block(LOCAL, "yaml"), ".secrets.json", path))
    seen = reader.runs(block(LOCAL, "console"))
    assert [line.split()[0] for line in seen.splitlines() if line.endswith(" local")] == ["DB_PASSWORD", "api-keys"]
    made = reader.directory / path
    assert made.stat().st_mode & 0o777 == 0o600
    assert TYPED in made.read_text()


def test_local_file_encrypted(reader):
    """The same quick start with the encrypted line in place of the plain one leaves no value in the file."""
    identity = reader.home / ".config" / "age" / "key.txt"
    identity.parent.mkdir(parents=True)
    key = pyrage.x25519.Identity.generate()
    identity.write_text(f"{key}\n")
    plain, encrypted = blocks(LOCAL, "yaml")
    reader.writes("tacenda.yaml", re.sub(r"(?m)^    secrets:.*\n", lambda _: encrypted, plain))
    reader.runs(block(LOCAL, "console"))
    content = (reader.directory / ".secrets.json.age").read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    assert json.loads(pyrage.decrypt(content, [key])) == {"DB_PASSWORD": TYPED, "api-keys": {"API_KEY": "example-key"}}


def test_mounted_files(project):
    """The quick start on mounted files reads the file that it names, and sees it rotated."""
    mount = project.directory / "mount"
    [(path, call)] = re.findall(r"`/etc/secrets/(\S+)` is `(store\.get\(.*?\))`", README)
    place = mount / path
    kubernetes(place, "example-first", "..2026_01")
    project.writes("tacenda.yaml", swap(block(FILES, "yaml"), "/etc/secrets", mount) + "    cache_ttl: 0\n")
    with tacenda.open_store() as store:
        assert eval(call, {"store": store}) == "example-first"
        kubernetes(place, "example-second", "..2026_02")
        assert eval(call, {"store": store}) == "example-second"


def kubernetes(file: Path, text: str, version: str) -> None:
    """Write a file as the kubelet does: beside the last version, with one link that leads to the new one."""
    (file.parent / version).mkdir(parents=True)
    (file.parent / version / file.name).write_text(text)
    (file.parent / "..data_tmp").symlink_to(version)
    (file.parent / "..data_tmp").replace(file.parent / "..data")
    if not file.is_symlink():
        file.symlink_to(f"..data/{file.name}")


def test_vault(reader, server):
    """The quick start on Vault checks, writes and prints a field of the document that it names, on a real server."""
    reader.writes("tacenda.yaml", swap(block(VAULT, "yaml"), "https://vault.example.com", server.url))
    reader.environment["TACENDA_ADAPTERS"] = "none"  # `check` need not start Metaflow
    seen = reader.runs(swap(block(VAULT, "console"), "VAULT_TOKEN=...", f"VAULT_TOKEN={server.token}"))
    assert f"vault at {server.url}: ok\n" in seen
    assert f"\n{TYPED}\n" in seen
    stored = server.client().secrets.kv.v2.read_secret_version("ml/training", raise_on_deleted_version=True)
    assert stored["data"]["data"] == {"DB_PASSWORD": TYPED}


def test_aws(reader, aws):
    """The quick start on AWS logs in by AWS's own variables, writes and prints a key, on a real moto server (S0.38)."""
    reader.writes("tacenda.yaml", block(AWS, "yaml"))
    reader.environment |= {**aws.environment(), "TACENDA_ADAPTERS": "none"}
    assert ": ok\n" in reader.runs(block(AWS, "console"))
    [stored] = aws.client(region_name="eu-central-1").list_secrets()["SecretList"]
    assert stored["Name"] == "api-keys"


def test_azure(reader, azure):
    """The quick start on Azure does the same as a managed identity, with no credential set anywhere (S0.33)."""
    reader.writes("tacenda.yaml", swap(block(AZURE, "yaml"), "https://my-vault.vault.azure.net", azure.url))
    reader.environment |= {**azure.environment("managed_identity"), "TACENDA_ADAPTERS": "none"}
    assert ": ok\n" in reader.runs(block(AZURE, "console"))
    assert json.loads(azure.client().get_secret("api-keys").value) == {"API_KEY": "example-key"}


def test_gcp(reader, gcp):
    """The quick start on GCP does the same by workload identity: Application Default Credentials, no key (S0.44)."""
    endpoint = f"project_id: my-project, api_endpoint: '{gcp.endpoint}'"
    reader.writes("tacenda.yaml", swap(block(GCP, "yaml"), "project_id: my-project", endpoint))
    reader.environment |= {**gcp.environment("workload_identity"), "TACENDA_ADAPTERS": "none"}
    assert ": ok\n" in reader.runs(block(GCP, "console"))
    payload = gcp.client().access_secret_version(name="projects/my-project/secrets/api-keys/versions/latest").payload
    assert json.loads(payload.data) == {"API_KEY": "example-key"}


def test_github(reader, github):
    """The quick start on GitHub writes a secret that GitHub alone can open, and lists its name."""
    where = f"repository: {github.repository}, api_url: '{github.url}'"
    reader.writes("tacenda.yaml", swap(block(GITHUB, "yaml"), "repository: example/training", where))
    token = swap(block(GITHUB, "console"), "GH_TOKEN=...", f"GH_ENTERPRISE_TOKEN={github.token}")
    seen = reader.runs(token)
    assert "API_KEY" in seen.rpartition("tacenda ls")[2]
    assert github.value("API_KEY") == TYPED


def test_a_reference_with_a_version(project, server, monkeypatch):
    """The reference in the README reads one key of one version."""
    [reference] = re.findall(r"`(vault://\S+)`", README)
    for number in range(1, 5):
        put(server, "ml/training", {"DB_PASSWORD": f"example-{number}"})
    monkeypatch.setenv("VAULT_ADDR", server.url)
    monkeypatch.setenv("VAULT_TOKEN", server.token)
    versions = server.client().secrets.kv.v2.read_secret_metadata("ml/training")["data"]["versions"]
    wanted = sorted(map(int, versions))[-2]
    with tacenda.open_store() as store:
        assert store.get(swap(reference, "version=3", f"version={wanted}")) == "example-3"


def test_stacks(reader, server):
    """The stacks of the README: `dev` serves by default, `TACENDA_STACK=prod` chooses a chain that ends in Vault."""
    put(server, "api-keys", {"API_KEY": "example-from-vault"})
    reader.writes("tacenda.yaml", swap(block("Stacks", "yaml"), "https://vault.example.com", server.url))
    reader.writes(".secrets.json", json.dumps({"api-keys": {"API_KEY": "example-from-file"}}))
    reader.environment["VAULT_TOKEN"] = server.token
    get = "tacenda get api-keys API_KEY --reveal"
    assert "[tool.tacenda]" in README
    assert "`TACENDA_STACK=prod`" in README
    reader.runs(f"$ {get}\nexample-from-file\n$ TACENDA_STACK=prod {get}\nexample-from-vault\n")


def test_first_snippet(project):
    """The first lines of the README give real strings, whose repr is masked as the comments say."""
    got = []
    snippet = block("tacenda", "python")
    values = {"API_KEY": "example-key", "API_SECRET": "example-secret"}
    names: dict[str, object] = {"call_api": lambda *, api_key: got.append(api_key)}
    with override({"api-keys": values}):
        exec(snippet, names)  # a snippet of our own
    assert got == ["example-key"]
    assert isinstance(got[0], str)
    [shown] = re.findall(r"# (<SecretBundle .*>)", snippet)
    assert repr(names["keys"]) == shown


def test_masking_snippet(reader):
    """The snippet on masking prints what it shows, and what it says about children holds."""
    snippet = block("Masking", "python")
    [(call, shown)] = re.findall(r"(?m)^print\((.*)\)  # (.*)$", snippet)
    reader.writes("main.py", f"{snippet}\nimport subprocess\nsubprocess.run(['echo', {call}])\n")
    reader.writes(".secrets.json", '{"api-keys": {"API_KEY": "example-key-of-the-readme"}}')
    reader.writes("tacenda.yaml", "stacks: {dev: {secrets: {provider: local}}}")
    seen = reader.runs("$ python main.py\n")
    assert seen.count(f"{shown}\n") == 2
    assert "example-key" not in seen


def test_override_snippet(project):
    """The snippet for tests serves every store, without `import tacenda.testing`."""
    got = []
    train = lambda: got.append(tacenda.open_store().get("api-keys")["API_KEY"])  # noqa: E731
    exec(block(TESTS, "python"), {"tacenda": tacenda, "train": train})
    assert got == ["example-key"]


def test_double_snippet(project):
    """The snippet on doubles reads from the double of Key Vault what its own client has written there."""
    with mock.patch.dict(os.environ):
        exec(blocks(TESTS, "python")[1], {"os": os, "tacenda": tacenda})


def test_double_for_any_program(reader):
    """The double that the README starts on a port says how to log in there, serves TLS, and ends with Ctrl-C."""
    port = free_port()
    [(line, _)] = commands(block(TESTS, "console"))
    command = shlex.split(swap(line.partition("#")[0], "8443", port))
    command[0] = sys.executable
    with subprocess.Popen(command, env=reader.environment, stdout=subprocess.PIPE, text=True) as double:
        told = [double.stdout.readline()]  # it is ready when it says something
        assert ssl.get_server_certificate(("127.0.0.1", port)).startswith("-----BEGIN CERTIFICATE")
        double.send_signal(signal.SIGINT)
        told += double.stdout.readlines()
        assert double.wait(30) == 0
    assert any(line.startswith("export AZURE_") for line in told), told


def test_own_endpoints():
    """The variables that name one's own vaults are those that the tests of endpoints read, and so is the option."""
    text = README.partition(f"## {TESTS}")[2].partition("\n## ")[0]
    named = set(re.findall(r"(?:TACENDA_TEST|…)_((?:VAULT|AWS|AZURE|GCP)_[A-Z]+)", text))
    files = {
        path.stem.removeprefix("test_").upper(): path.read_text() for path in (ROOT / "tests/endpoints").glob("test_*")
    }
    assert {name.partition("_")[0] for name in named} == set(files)
    for name in named:
        assert f"TACENDA_TEST_{name}" in files[name.partition("_")[0]]
    assert "tacenda-kit-" in (ROOT / "tests" / "endpoints" / "conftest.py").read_text()
    assert '"--docker"' in (ROOT / "tests/conftest.py").read_text()


def test_commands():
    """The section on the command line names every command there is, with its arguments and no option it lacks."""
    named = {}
    for line, _ in commands(block(CLI, "console")):
        usage = line.partition("#")[0].rpartition("| ")[2].partition(" -- ")[0].split()
        named[usage[1]] = [word for word in usage[2:] if word.strip("[]").isupper()]
        options = {spelled for parameter in cli.commands[usage[1]].params for spelled in parameter.opts}
        assert set(re.findall(r"--[a-z][a-z-]*", line)) <= options, line
    takes = {
        name: [
            argument.human_readable_name if argument.required else f"[{argument.human_readable_name}]"
            for argument in command.params
            if argument.param_type_name == "argument" and argument.nargs == 1
        ]
        for name, command in cli.commands.items()
    }
    assert named == takes


def test_exit_codes():
    """The exit codes are what the README says."""
    told = re.search(r"Exit codes: (.*)\. `run` passes", README)
    assert told
    assert dict(part.split(maxsplit=1) for part in told[1].split(", ")) == {
        "0": "ok",
        str(exit_code(errors.ConfigurationError("broken"))): "error",
        "2": "usage",  # click's own
        str(exit_code(errors.SecretNotFound("missing"))): "missing",
        str(exit_code(errors.AccessDenied("denied"))): "denied",
        str(exit_code(errors.Throttled("later"))): "throttled or unavailable",
    }
    assert exit_code(errors.Throttled("later")) == exit_code(errors.BackendUnavailable("down"))


def test_stack_settings():
    """The table has every setting of a stack and no other."""
    assert sorted(re.findall(r"(?m)^\| `(\w+)` \|", README)) == sorted(_SETTINGS)


def test_extras_and_targets():
    """What is to be installed are extras of the package, and what `make` is told are its targets."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.findall(r"'tacenda\[(\w+)\]'", README)
    assert asked
    assert set(asked) <= set(extras)
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    assert [line.split()[1] for line, _ in commands(block("Try it", "console"))] == ["demo", "test"]
    assert {"demo", "test"} <= set(targets)


def test_providers_have_a_quick_start():
    """Each provider of this release stands under a heading of its own (S1.77)."""
    shown = {match for text in (block(name, "yaml") for name in BACKENDS) for match in providers(text)}
    assert shown == set(PROVIDERS)


def providers(text: str) -> list[str]:
    return re.findall(r"provider: (\w+)", text)


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("examples/**/README.md"), *ROOT.glob("adapters/*/README.md")]


@pytest.mark.parametrize("page", sorted(str(page.relative_to(ROOT)) for page in PAGES if ".demo" not in page.parts))
def test_links_lead_somewhere(page):
    """A link to a file of the repository leads to a file of the repository."""
    path = ROOT / page
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_contributing_example(project):
    """The provider of CONTRIBUTING is a whole one: it can be made, read and asked for what it does not have."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [snippet] = [
        found for found in re.findall(r"(?s)   ```python\n(.*?)   ```", text) if "class ShelfProvider" in found
    ]
    code = re.sub(r"(?m)^   ", "", snippet)
    names: dict[str, object] = {}
    exec(code, names)
    shelf = names["ShelfProvider"]({"shelf_url": "http://127.0.0.1:1"}, Path())
    sys.modules["shelf_sdk"] = type("ShelfSdk", (), {"fetch": staticmethod(fetch)})
    try:
        assert shelf.read("here").value == "example-text"
        with pytest.raises(errors.SecretNotFound):
            shelf.read("gone")
        with pytest.raises(errors.Unsupported):
            shelf.write("here", "example")
    finally:
        del sys.modules["shelf_sdk"]


def fetch(url: str, path: str, version: str | None) -> object:
    return type("Answer", (), {"text": "example-text", "version": "1"}) if path == "here" else None
