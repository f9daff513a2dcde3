"""Fetching upstream's tests: what is taken of an archive, and what is said without a connection."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from fetching import ELSEWHERE, download, unpack


@pytest.mark.parametrize("directory", ["tests", "test"])
def test_only_tests_are_taken(tmp_path: Path, directory: str):
    """Of an archive only regular files below the tests' directory are written, and none beside the target."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as files:
        for name in ("tests/unit/test_a.py", "test/unit/test_a.py", "setup.py", f"{directory}/../../../outside.py", ""):
            member = tarfile.TarInfo(f"top/{name}")
            member.size = 7
            files.addfile(member, io.BytesIO(b"example"))
    target = tmp_path / "deep" / "target"
    unpack(packed.getvalue(), target, directory)
    assert [*tmp_path.rglob("*.py")] == [target / directory / "unit" / "test_a.py"]


def test_no_connection():
    """Without a connection the test fails, naming the address and what to do; it is not skipped."""
    url = "http://127.0.0.1:9/archive"
    with pytest.raises(pytest.fail.Exception, match=rf"cannot download {url}: .*refused.*\n.*{ELSEWHERE}="):
        download(url)
