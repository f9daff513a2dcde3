"""Two environments that differ in one thing: in one of them tacenda is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import distribution, requires
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

__all__ = ["Environment", "environments"]


class Environment:
    """A virtual environment of links to installed packages, in which flows run in a home of its own.

    Args:
        directory: where to make it.
        packages: what is installed: files and directories of a `site-packages`.
    """

    def __init__(self, directory: Path, packages: Iterable[Path]) -> None:
        venv.create(directory / "venv", with_pip=False, symlinks=True)
        self.python = directory / "venv/bin/python"
        self._home = directory / "home"
        self._home.mkdir()
        (site,) = (directory / "venv").glob("lib/python*/site-packages")
        for package in packages:
            (site / package.name).symlink_to(package)

    def imports(self) -> float:
        """Return the seconds of `import metaflow` in a process of its own, the start of Python included."""
        return self._run("-c", "import metaflow.plugins")

    def runs(self, flow: str, files: Mapping[str, str] = {}, variables: Mapping[str, str] = {}) -> float:
        """Return the seconds of `python flow.py run`.

        Args:
            flow: the flow's source.
            files: what is beside it: names and texts.
            variables: environment variables.
        """
        for name, text in {**files, "flow.py": flow}.items():
            (self._home / name).write_text(text)
        return self._run("flow.py", "run", "--max-workers", str(os.cpu_count()), **variables)

    def _run(self, *arguments: str, **variables: str) -> float:
        environment = {
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._home),
            "METAFLOW_USER": "bench",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self._home),
            **variables,
        }
        command = [str(self.python), *arguments]
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=self._home, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        took = time.perf_counter() - started
        if done.returncode:
            sys.exit(done.stdout.decode())
        return took


@contextmanager
def environments() -> Iterator[tuple[Environment, Environment]]:
    """Make what `pip install metaflow boto3` leaves behind, with `tacenda[aws]` and without it."""
    ours = set(_files(["tacenda"]))
    if not any(path.name == "metaflow_extensions" for path in ours):
        sys.exit("benchmarks need tacenda installed as users install it, from a wheel: `make bench`")
    others = set(_files(_closure(["metaflow", "boto3", *_needs("tacenda", "aws")]))) - ours
    with TemporaryDirectory() as directory:
        for name in ("ours", "peer"):
            Path(directory, name).mkdir()
        yield Environment(Path(directory, "ours"), others | ours), Environment(Path(directory, "peer"), others)


def _closure(names: list[str]) -> set[str]:
    """Return distributions with all that they need."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += _needs(name)
    return found


def _needs(name: str, extra: str = "") -> list[str]:
    needed = [Requirement(text) for text in requires(name) or ()]
    return [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]


def _files(names: Iterable[str]) -> Iterator[Path]:
    """Yield what distributions have at the top of a `site-packages`."""
    for name in names:
        files = distribution(name).files or ()
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            yield Path(str(distribution(name).locate_file(top)))
