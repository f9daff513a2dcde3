"""A ZenML that is set up once; each run gets a copy of it, and a home of its own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from programs import run

SETTINGS = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "AUTO_OPEN_DASHBOARD": "false",
    "ZENML_LOGGING_COLORS_DISABLED": "true",
}
TACENDA_YAML = """
default_stack: dev
stacks:
  dev: {secrets: {provider: local, path: .secrets.json}}
  default: {secrets: {provider: local, path: .default.json}}
  down: {deadline: 0, secrets: {provider: vault, vault_url: "http://127.0.0.1:9"}}
"""

# What careless programs import: the value of a key of the secret `s`, and what came of trying something.
ASKING = """
from zenml.client import Client

ANSWERS = {}

def secret(key):
    return str(Client().active_stack.secrets_manager.get_secret("s").content[key])

def attempt(name, action):
    try:
        ANSWERS[name] = action() and "done"
    except BaseException as error:
        ANSWERS[name] = f"{type(error).__name__}: {error}"
"""


class Home:
    """A directory that is a user's home and work directory, with ZenML in it.

    Attributes:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def python(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program as `python pipeline.py`; all it prints is in `stdout`."""
        (self.path / "pipeline.py").write_text(program)
        variables = {**SETTINGS, "ZENML_CONFIG_PATH": str(self.zenml), **variables}
        return run("python", "pipeline.py", *arguments, home=self.path, **variables)

    def write(self, files: Mapping[str, str | dict[str, Any]]) -> None:
        for name, content in files.items():
            (self.path / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def answers(self) -> Any:
        """What the program told in `answers.json`."""
        return json.loads((self.path / "answers.json").read_text())

    def rows(self, query: str) -> str:
        """Return what ZenML's database has."""
        database = sqlite3.connect(next(self.zenml.rglob("zenml.db")))
        try:
            return repr(database.execute(query).fetchall())
        finally:
            database.close()

    @property
    def zenml(self) -> Path:
        """Where ZenML keeps everything: configuration, database, artifacts, logs."""
        return self.path / "zenml"


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which ZenML has made its database, which takes ten seconds."""
    home = Home(tmp_path_factory.mktemp("first"))
    done = home.python("from zenml.client import Client\nClient().active_stack", TACENDA_ADAPTERS="none")
    assert done.returncode == 0, done.stdout
    return home


@pytest.fixture(scope="session")
def new_home(first_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Home]:
    """Return a function that makes a home with ZenML, tacenda.yaml, and files with secrets."""

    def make(**files: str | dict[str, Any]) -> Home:
        home = Home(tmp_path_factory.mktemp("home"))
        shutil.copytree(first_home.zenml, home.zenml)
        config = home.zenml / "config.yaml"
        config.write_text(config.read_text().replace(str(first_home.zenml), str(home.zenml)))
        given = {name.replace("__", "."): content for name, content in files.items()}
        home.write({"tacenda.yaml": TACENDA_YAML, "asking.py": ASKING, **given})
        return home

    return make
