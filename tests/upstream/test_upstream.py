"""Upstream's own tests of secrets end with our adapter as they end without it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from suites import SUITES

pytestmark = [pytest.mark.extra, pytest.mark.timeout(1800)]

# Imports the orchestrator as its users do, and says at the end whether the adapter was whole all the time.
WATCH = """
{trigger}
from tacenda._adapters import problems

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"problems of the adapter: {{problems({name!r})}}")
"""


@pytest.mark.parametrize("name", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in SUITES])
def test_same_results(name: str, sources: Callable[[str], Path], needed: Path, tmp_path: Path):
    """Each of upstream's tests has the same outcome with the adapter and without, and most pass."""
    suite, place = SUITES[name], sources(name)
    files = sorted({str(path.relative_to(place)) for pattern in suite.patterns for path in place.glob(pattern)})
    assert len(files) >= len(suite.patterns), f"{place} no longer has {suite.patterns}, or not all of them: {files}"
    (needed / "watching.py").write_text(WATCH.format(trigger=suite.trigger, name=name))

    def run(**variables: str) -> tuple[dict[str, str], str]:
        report = tmp_path / "report.xml"
        home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "USER": "tester"}
        path = os.pathsep.join([str(needed), *filter(None, [os.environ.get("PYTHONPATH")])])
        options = ["-p", "watching", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "-q", *suite.options]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *files],
            cwd=place,
            env={**home, "PYTHONPATH": path, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert report.exists(), done.stdout
        return outcomes(report), done.stdout

    without, said = run(TACENDA_ADAPTERS="none")
    assert "problems of the adapter: None\n" in said, said
    adapted, said = run()
    assert "problems of the adapter: []\n" in said, said
    assert adapted == without, said
    assert any("secret" in test.lower() for test in without), said
    count = Counter(without.values())
    assert count["passed"] >= 10 * max(1, count["failed"] + count["error"]), said


def outcomes(report: Path) -> dict[str, str]:
    """Return each test's outcome by name."""
    return {
        f"{case.get('classname')}::{case.get('name')}": next((child.tag for child in case), "passed")
        for case in ET.parse(report).iter("testcase")
    }
