"""The README is true of the orchestrators: their quick starts are copied out and run, on a real server."""

from __future__ import annotations

import json
import re
import sys

import pytest
from reader import README, ROOT, block, commands, put, swap

from tacenda.masking._guard import leak_allowed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ORCHESTRATORS = ("metaflow", "flytekit", "flyte", "zenml", "flowyml")


@pytest.mark.metaflow
def test_metaflow(reader, server):
    """The flow of the README runs on the default stack and, unchanged, on the other."""
    secrets = {"api-keys": {"API_KEY": "example-key"}, "db-credentials": {"PASSWORD": "example-password"}}
    for name, value in secrets.items():
        put(server, name, value)  # the stack that the console lines do not fill
    reader.writes("train.py", block("Metaflow", "python"))
    reader.writes("tacenda.yaml", swap(block("Stacks", "yaml"), "https://vault.example.com", server.url))
    reader.environment |= {"VAULT_TOKEN": server.token, "METAFLOW_USER": "reader"}
    seen = reader.runs(block("Metaflow", "console"))
    assert seen.count("Done!") == 2
    assert "example-" not in seen


QUIET = {"ZENML_ANALYTICS_OPT_IN": "false", "AUTO_OPEN_DASHBOARD": "false", "FLYTE_DISABLE_SENTRY": "true"}
# What the test puts at the end of each quick start: that it has read the secrets of the stack.
SHOWS = "print(f'read {len(api_key)} {len(%s)} {api_key}')"


@pytest.mark.parametrize(
    ("section", "after", "other"),
    [
        pytest.param("flytekit", "password = .*", "password", marks=pytest.mark.flytekit),
        pytest.param("flyte 2", "credentials = .*", "credentials", marks=pytest.mark.flyte),
        pytest.param("ZenML", "password = .*", "password", marks=pytest.mark.zenml),
        pytest.param("FlowyML", "password = .*", "password", marks=pytest.mark.flowyml),
    ],
)
@pytest.mark.slow
def test_orchestrator(reader, server, section, after, other):
    """The quick start of each orchestrator runs as its console lines say, reads its stack and shows no value."""
    keys, credentials = {"API_KEY": "example-key-of-a-stack"}, {"PASSWORD": "example-password"}
    put(server, "api-keys", keys)
    put(server, "db-credentials", credentials)
    reader.writes("tacenda.yaml", swap(block("Stacks", "yaml"), "https://vault.example.com", server.url))
    reader.writes(".secrets.json", json.dumps({"api-keys": keys, "db-credentials": credentials}))
    shows = SHOWS % other
    code = re.sub(rf"(?m)^( *)({after})$", rf"\1\2\n\1{shows}", block(section, "python"))
    assert shows in code
    if section == "FlowyML":  # whose prints go to its dashboard only, and which ends with 0 though a step has failed
        code += "\nassert result.success\n"
    reader.writes("train.py", code.replace("pipeline.run()", "pipeline.run(auto_start_ui=False)"))
    reader.environment |= {"VAULT_TOKEN": server.token} | QUIET
    console = block(section, "console")
    seen = reader.runs(console)
    length = len(json.dumps(credentials)) if other == "credentials" else len(credentials["PASSWORD"])
    if section != "FlowyML":
        assert seen.count(f"read {len(keys['API_KEY'])} {length} [masked]") == len(commands(console))
    assert "example-key" not in seen


def test_allow_leak_snippet():
    """The snippet on `allow_leak` exempts the output that it names."""
    names: dict[str, object] = {"new_token": lambda: "example-token"}
    exec(block("What the adapters refuse", "python"), names)
    assert leak_allowed(names["renew"], "token")
    assert not leak_allowed(names["renew"], "other")


def test_versions():
    """The table of orchestrators starts where the extras of the package start."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    told = re.findall(r"(?m)^\| ([\w 2]+) \| ([\d.]+) and later", README)
    wanted = {name: re.search(r">=([\d.]+)", extras[name][0])[1] for name in ORCHESTRATORS}
    assert dict(zip(wanted, [version for _, version in told], strict=True)) == wanted
