"""Installed is active: every patch fits this ZenML, importing it takes little along, and never breaks through us."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

import tacenda_zenml
from tacenda.masking import Masker
from tacenda.testing import override
from tacenda_zenml._manager import SecretsManager

pytestmark = pytest.mark.zenml

HOOKED = """
import json, sys
from importlib.metadata import entry_points
before = set(sys.modules)
[hook] = [hook for hook in entry_points(group="zenml.init_hooks") if hook.name == "tacenda"]
hook.load()()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_hook_imports_little():
    """At `import zenml` there is none of ZenML, none of the core's store, no yaml, no click, no hvac."""
    done = subprocess.run([sys.executable, "-c", HOOKED], capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout)
    assert "tacenda_zenml._patches" in imported
    assert not [name for name in imported if name.partition(".")[0] in {"zenml", "yaml", "click", "hvac", "pydantic"}]
    ours = {name for name in imported if name.startswith("tacenda.")}
    assert all(name.startswith("tacenda._adapters") for name in ours), ours


@pytest.mark.slow
def test_every_patch_fits(new_home):
    """`tacenda check` asks the adapter for its problems: there are none. The old import path still works (S3.51)."""
    asks = "from tacenda._adapters import problems\nprint('problems:', problems('zenml'))"
    program = f"from zenml.secret.base_secret import BaseSecretSchema\n{asks}"
    done = new_home().python(program)
    assert "problems: []" in done.stdout, done.stdout


def test_switched_off(monkeypatch: pytest.MonkeyPatch):
    """TACENDA_ADAPTERS leaves ZenML as it is."""
    monkeypatch.setenv("TACENDA_ADAPTERS", "metaflow,flyte")
    done = subprocess.run([sys.executable, "-c", HOOKED], capture_output=True, text=True, check=True)
    assert "tacenda_zenml._patches" not in json.loads(done.stdout)


def test_hook_never_raises(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """Whatever is wrong with us is one warning: an error would break `import zenml`."""

    def broken(adapter: str, home: str) -> None:
        raise RuntimeError("out of tune")

    monkeypatch.setattr("tacenda._adapters.activate", broken)
    with caplog.at_level(logging.WARNING, logger="tacenda"):
        tacenda_zenml.init_hook()
    assert "tacenda's adapter for zenml is not active: RuntimeError" in caplog.text


def test_manager_in_a_users_test(empty_registry: Masker):
    """`tacenda.testing.override` serves the manager too."""
    with override({"db": {"PASSWORD": "example-password", "keys": 3}, "cert": b"\x00example"}):
        manager = SecretsManager("default")
        assert manager.get_secret("db").PASSWORD == "example-password"
        assert manager.get_secret("db").keys == 3
        assert manager.get_secret("cert").content == {"value": b"\x00example"}
        assert "example-" not in repr(manager) + repr(manager.get_secret("db"))


@pytest.mark.parametrize(
    ("method", "argument"), [("register_secret", {}), ("update_secret", {}), ("delete_secret", "db")]
)
def test_manager_only_reads(method: str, argument: object):
    """What the old managers could write is NotImplementedError in this release, with the command that does it."""
    with pytest.raises(NotImplementedError, match="run `tacenda"):
        getattr(SecretsManager("default"), method)(argument)
