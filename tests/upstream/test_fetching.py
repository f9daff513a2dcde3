"""Fetching upstream's tests: what is taken of an archive, and what is said without a connection."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from fetching import ELSEWHERE, download, unpack


def test_only_tests_are_taken(tmp_path: Path):
    """Of an archive only regular files below `tests/` are written, and none beside the target."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as files:
        for name in ("top/tests/unit/test_a.py", "top/setup.py", "top/tests/../../../outside.py", "top"):
            member = tarfile.TarInfo(name)
            member.size = 7
            files.addfile(member, io.BytesIO(b"example"))
    target = tmp_path / "deep" / "target"
    unpack(packed.getvalue(), target)
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.py")] == [Path("deep/target/tests/unit/test_a.py")]


def test_no_connection():
    """Without a connection the test fails, naming the address and what to do; it is not skipped."""
    url = "http://127.0.0.1:9/archive"
    with pytest.raises(pytest.fail.Exception, match=rf"cannot download {url}: .*refused.*\n.*{ELSEWHERE}="):
        download(url)
